# SPDX-License-Identifier: Apache-2.0
"""Writes docs/BENCHMARKS.md from the JSON files in bench/results."""
import json
from pathlib import Path

from gpu.report import (CLIPS_HEAD, OPS_HEAD, PEERS_HEAD, PREDICTED_HEAD, clips_section,
                        ops_section, peers_section, predicted_section)

ROOT = Path(__file__).resolve().parent.parent

HEAD = """\
# Benchmarks

After this page you know what was measured, on which machine, and how to measure it on yours. It is
written by `bench/report.py` from the files in [bench/results](../bench/results); do not edit it.

"""

CPU_HEAD = """\
## Beside PyTorch on the CPU

`make bench` holds the same random weights in Reel and in PyTorch (diffusers, transformers), gives
both the same inputs and the same number of threads, and lets them take turns; the best time of
each counts. PyTorch runs in inference mode at the fastest of the settings that are tried first: bf16
where the CPU multiplies it (else f32), plain and channels-last convolutions, as is and through
torch.compile, also with frozen weights and autotuned products; or at the one that `--peer-setting`
names, untried. Reel runs with `--precision auto`, and the DiT in INT8 as well. "Error" is the
relative difference between the two results, each with its own roundings. Peak memory is a process
of its own for each row, weights included.
"""


def gib(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"


def side(answer: dict) -> str:
    return f"{answer['seconds']:.3f} s"


def row_line(row: dict, reel: str, what: str) -> str:
    cells = [what, side(row[reel])]
    if "peer" in row:
        suffix = reel.removeprefix("reel")
        cells += [side(row["peer"]), f"{row['ratio' + suffix]:.2f}", row["peer"]["setting"],
                  f"{row['relative_error' + suffix]:.1e}", gib(row[reel]["peak_rss_bytes"]),
                  gib(row["peer"]["peak_rss_bytes"])]
    else:
        cells += ["", "", "not measured", "", gib(row[reel]["peak_rss_bytes"]), ""]
    return "| " + " | ".join(cells) + " |"


def row_lines(row: dict) -> list[str]:
    lines = [row_line(row, "reel", row["what"])]
    if "reel_int8" in row:
        lines.append(row_line(row, "reel_int8", "the same with `--precision int8`"))
    return lines


def section(report: dict, file: str) -> str:
    machine = report["machine"]
    first = report["cases"][0]
    lines = [f"### {machine['cpu']}, {machine['threads']} threads", "",
             "| | Reel | PyTorch | ratio | PyTorch's setting | error | Reel's peak | PyTorch's peak |",
             "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |"]
    lines += [line for row in report["cases"] for line in row_lines(row)]
    if "vae_memory" in report:
        memory = report["vae_memory"]
        peaks = " and ".join(f"{gib(peak['peak_rss_bytes'])} for {frames} frames"
                             for frames, peak in memory["peaks"].items())
        lines += ["", f"VAE decode, peak memory: {peaks} ({memory['difference']:+.1%})."]
    loads = [row[key] for row in report["cases"] for key in ("load_before", "load_after")
             if key in row]
    versions = ", ".join(f"{name} {version}"
                         for name, version in first.get("peer_version", {}).items())
    runs = "; ".join(f"`{run['command']}`, {run['date']}" for run in report["runs"])
    lines += ["", f"{runs}; commit {report['commit']}"
              + (" with changes" if report["changed_files"] else "")
              + f"; {first['reel']['kernels']}, {first['reel']['precision']}"
              + (f"; {versions}" if versions else f"; no PyTorch: {report['no_peer']}")
              + f"; load average while measuring {min(loads):.1f} to {max(loads):.1f}, the measured"
                f" process included; all times are in [{file}](../bench/results/{file})."]
    return "\n".join(lines) + "\n"


def is_clips(report: dict) -> bool:
    return report.get("kind") == "clips on a GPU"


def is_ops(report: dict) -> bool:
    return "block" in report


def is_peers(report: dict) -> bool:
    return report.get("kind") == "peers on a GPU"


def is_cpu(report: dict) -> bool:
    return "cases" in report


def is_predicted(report: dict) -> bool:
    return report.get("predicted", False)


def main() -> None:
    paths = sorted((ROOT / "bench/results").glob("*.json"))
    reports = [(path, json.loads(path.read_text())) for path in paths]
    parts = [HEAD]
    for head, wanted, write in (
            (CPU_HEAD, is_cpu, section),
            (CLIPS_HEAD, is_clips, clips_section),
            (OPS_HEAD, is_ops, ops_section),
            (PEERS_HEAD, is_peers, peers_section),
            (PREDICTED_HEAD, is_predicted, predicted_section)):
        found = [write(report, path.name) for path, report in reports if wanted(report)]
        parts += [head, *found] if found else []
    (ROOT / "docs/BENCHMARKS.md").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
