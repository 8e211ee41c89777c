# SPDX-License-Identifier: Apache-2.0
"""Whole clips on a GPU under budgets: times, peaks by the driver's count, and whether they are equal.

Usage: clips.py --reel PROGRAM --model FOLDER [--more-models FOLDER ...] [--results FOLDER]
                [--sections pairs,disk,large,refusal,layouts,plans] [--pairs 5] [--png]

The model is a checkpoint of the 14B; `reel synth --preset wan2.1-t2v-14b` writes a random one.
--more-models are others of the same network in other layouts. Needs an NVIDIA driver and Python,
nothing else. --png writes frames instead of MP4, where there is no encoder.
"""
import argparse
import datetime
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from driver import Ballast, Nvml, Watch

GIB = 1 << 30
PROMPT = "a lighthouse in a storm, waves breaking over the rocks"
SMALL = ["--size", "480p", "--frames", "81"]
LARGE = ["--size", "720p", "--frames", "81"]
# A card of this size has half a GiB less to give: the desktop, and the driver's own.
KEPT_BY_OTHERS = GIB // 2
REFUSED = 3


class Bench:
    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.nvml = Nvml()
        self.folder = Path(tempfile.mkdtemp(prefix="reel-clips-", dir=args.scratch))
        self.rows: list[dict] = []

    def command(self, verb: str, model: Path, options: list[str]) -> list[str]:
        return [str(self.args.reel), verb, "--model", str(model), "--prompt", PROMPT,
                "--seed", "1", "--device", "cuda:0", *options]

    def plan(self, model: Path, options: list[str]) -> dict:
        words = [str(self.args.reel), "plan", "--model", str(model), "--prompt", PROMPT, "--json",
                 *options]
        answer = subprocess.run(words, capture_output=True, text=True, check=False)
        return json.loads(answer.stdout)

    def run(self, name: str, options: list[str], model: Path | None = None,
            leave_bytes: int = 0) -> dict:
        """One clip in a process of its own; with `leave_bytes`, a second process holds the rest of
        the GPU."""
        model = model or self.args.model
        out = self.folder / ("frames" if self.args.png else "clip.mp4")
        command = self.command("generate", model, ["--no-cache", *options, "--json", "--force",
                                                   "--out", str(out)])
        if leave_bytes:
            with Ballast(leave_bytes):
                row = self.watched(command)
        else:
            row = self.watched(command)
        row |= {"name": name, "model": model.name, "options": options, "ballast_leaves": leave_bytes}
        if row["exit_code"] == 0:
            plan = self.plan(model, options)
            row["planned_gpu_bytes"] = plan["context_bytes"] + plan["arena_bytes"]
            row["cap_bytes"] = plan["cap_bytes"]
            row["to_first_step_s"] = round(to_first_step(row), 3)
        shutil.rmtree(out, ignore_errors=True)
        self.rows.append(row)
        print_row(row)
        return row

    def watched(self, command: list[str]) -> dict:
        before = self.nvml.memory().used
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watch = Watch(self.nvml, process.pid, before)
        out, errors = process.communicate()
        watch.stop()
        row = {"wall_s": round(time.monotonic() - start, 3), "exit_code": process.returncode,
               "gpu_peak_bytes": watch.gpu_peak, "host_peak_bytes": watch.host_peak}
        if process.returncode == 0:
            row["clip"] = json.loads(out)
            for key in ("path", "recipe"):
                del row["clip"][key]
        else:
            row["message"] = errors.strip().splitlines()[-3:]
        return row


def stage_of(row: dict, name: str) -> dict:
    stages = row["clip"]["measured"]["stages"]
    return next((one for one in stages if one["stage"] == name), {"seconds": 0.0})


def steps_of(row: dict) -> list[float]:
    return stage_of(row, "denoise").get("step_seconds", [])


def to_first_step(row: dict) -> float:
    """From the start of the process, its end counted in."""
    measured = row["clip"]["measured"]
    return (row["wall_s"] - measured["seconds"] + stage_of(row, "text")["seconds"]
            + stage_of(row, "denoise")["seconds"] - sum(steps_of(row)))


def print_row(row: dict) -> None:
    text = f"{row['name']:28} {row['wall_s']:7.2f} s"
    if row["exit_code"] == 0:
        text += "".join(f"  {stage['stage']} {stage['seconds']:.2f}"
                        for stage in row["clip"]["measured"]["stages"])
        text += "  steps " + " ".join(f"{seconds:.3f}" for seconds in steps_of(row))
        text += f", the first after {row['to_first_step_s']:.2f}"
        text += f", stall {stage_of(row, 'denoise').get('stall_seconds', 0):.3f}"
    text += (f"  GPU {row['gpu_peak_bytes'] / GIB:.2f} GiB  host {row['host_peak_bytes'] / GIB:.2f} GiB")
    if "planned_gpu_bytes" in row:
        text += f"  planned {row['planned_gpu_bytes'] / GIB:.2f}"
    if row["exit_code"] != 0:
        text += f"  exit {row['exit_code']}: {' | '.join(row['message'])}"
    print(text, flush=True)


def card(gib: int) -> tuple[list[str], int]:
    return ["--vram", f"{gib}GiB"], gib * GIB - KEPT_BY_OTHERS


def pairs(bench: Bench) -> None:
    """Resident, as on 12 GiB and as on 8 GiB, in turns; the driver enforces the budgets."""
    for _ in range(bench.args.pairs):
        bench.run("resident", SMALL)
        for gib in (12, 8):
            options, leave = card(gib)
            bench.run(f"{gib} GiB", [*SMALL, *options], leave_bytes=leave)


def disk(bench: Bench) -> None:
    options, leave = card(12)
    bench.run("12 GiB, 4 GiB of RAM", [*SMALL, *options, "--ram", "4GiB"], leave_bytes=leave)


def large(bench: Bench) -> None:
    options, leave = card(12)
    bench.run("720p, 12 GiB", [*LARGE, *options], leave_bytes=leave)


def refusal(bench: Bench) -> None:
    """Half a GiB less than the least that the plan needs: refused before anything is loaded."""
    least = bench.plan(bench.args.model, SMALL)["least_cap_bytes"]
    row = bench.run("0.5 GiB too little", SMALL, leave_bytes=least - GIB // 2)
    if row["exit_code"] != REFUSED:
        sys.exit(f"clips: a run with too little memory ended with {row['exit_code']}, not {REFUSED}")


def layouts(bench: Bench) -> None:
    options, leave = card(12)
    for model in bench.args.more_models:
        bench.run(f"12 GiB, {model.name}", [*SMALL, *options], model=model, leave_bytes=leave)


def plans(bench: Bench) -> None:
    """Further requests, to hold the planned peak beside the measured one."""
    for name, options in {
        "480p x 33, 8 GiB": ["--size", "480p", "--frames", "33", "--vram", "8GiB"],
        "640x384 x 49, 6 GiB": ["--size", "640x384", "--frames", "49", "--vram", "6GiB"],
        "720p x 21, 10 GiB": ["--size", "720p", "--frames", "21", "--vram", "10GiB"],
    }.items():
        bench.run(name, [*options, "--steps", "2"])


SECTIONS = {"pairs": pairs, "disk": disk, "large": large, "refusal": refusal, "layouts": layouts,
            "plans": plans}


def problems(rows: list[dict]) -> list[str]:
    """What must hold and does not: the same frames under every budget, and the plan kept."""
    found = []
    digests: dict[tuple, set] = {}
    for row in rows:
        if row["exit_code"] != 0:
            if row["name"] != "0.5 GiB too little":
                found.append(f"{row['name']} ended with {row['exit_code']}")
            continue
        clip = row["clip"]
        key = (row["model"], clip["width"], clip["height"], clip["frames"])
        digests.setdefault(key, set()).add(clip["frames_digest"])
        if row["gpu_peak_bytes"] > row["cap_bytes"] > 0:
            found.append(f"{row['name']} held more than its budget allows")
        off = row["gpu_peak_bytes"] / row["planned_gpu_bytes"] - 1
        if "--vram" in row["options"] and abs(off) > 0.03:
            found.append(f"{row['name']}: the peak is {off:+.1%} of the plan")
    found += [f"{key}: the budget changed the frames" for key, set_ in digests.items()
              if len(set_) != 1]
    return found


def git(*words: str) -> str:
    answer = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True,
                            text=True, check=False)
    return answer.stdout.strip()


def report(bench: Bench) -> dict:
    return {"kind": "clips on a GPU",
            "machine": {"gpu": bench.nvml.name(), "driver": bench.nvml.driver(),
                        "system": f"{platform.system()} {platform.release()}"},
            "program": subprocess.run([str(bench.args.reel), "--version"], capture_output=True,
                                      text=True, check=True).stdout.strip(),
            "commit": bench.args.commit or git("rev-parse", "--short=12", "HEAD"),
            "command": f"bench/gpu/clips.py --sections {bench.args.sections} --pairs {bench.args.pairs}"
                       + (" --png" if bench.args.png else ""),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "runs": bench.rows}


def summary(rows: list[dict]) -> None:
    for name in dict.fromkeys(row["name"] for row in rows):
        later = [seconds for row in rows if row["name"] == name and row["exit_code"] == 0
                 for seconds in steps_of(row)[1:]]
        if later:
            print(f"{name}: median of steps after the first {statistics.median(later):.3f} s")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reel", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--more-models", type=Path, nargs="*", default=[])
    parser.add_argument("--results", type=Path, default=Path("bench/results"))
    parser.add_argument("--sections", default="pairs,disk,large,refusal,layouts,plans")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--png", action="store_true")
    parser.add_argument("--scratch", default=None)
    parser.add_argument("--commit", default="")
    args = parser.parse_args()

    bench = Bench(args)
    try:
        for name in args.sections.split(","):
            SECTIONS[name](bench)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
        slug = re.sub(r"[^a-z0-9]+", "-", bench.nvml.name().lower()).strip("-")
        args.results.mkdir(parents=True, exist_ok=True)
        path = args.results / f"{slug}-clips.json"
        path.write_text(json.dumps(report(bench), indent=1) + "\n")
        print(f"written: {path}")
    summary(bench.rows)
    found = problems(bench.rows)
    for problem in found:
        print(f"clips: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
