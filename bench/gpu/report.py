# SPDX-License-Identifier: Apache-2.0
"""The part of docs/BENCHMARKS.md about clips and ops on a GPU."""
import statistics

GIB = 2 ** 30

CLIPS_HEAD = """\
## Clips on a GPU

`bench/gpu/clips.py` makes whole clips with random weights in the 14B's shapes, each in a process of its
own, weight files in the page cache. Under a budget a second process holds the rest of the GPU's memory,
so that the driver enforces it; half a GiB less than the card's size is left. Peaks are read from the
driver (NVML) and the kernel (RssAnon + RssShmem) every 5 ms; "of the decode" is what that stage holds, the
driver's context of half a GiB not counted. The three requests of two steps ran without
a ballast, and the bf16 model in a run of its own (`--sections disk`). "To the first step" counts from the start of
the process; what came from the disk is the mean of all steps, of which the first reads the most. Random weights
make frames of noise, the most that an encoder can be given: an MP4 file of 81 has 13 MB, and is part of "decode" and of
the whole process. Frames are the same bytes under every budget.
"""

OPS_HEAD = """\
## Ops on a GPU

`reel bench`: medians, beside the time that the card's own rates allow, which are measured in the same
run by programs that do nothing else.
"""


def gib(size: float) -> str:
    return f"{size / GIB:.2f}"


def stage(row: dict, name: str) -> dict:
    return next(one for one in row["clip"]["measured"]["stages"] if one["stage"] == name)


def clip_line(name: str, rows: list[dict]) -> str:
    steps = [step for row in rows for step in stage(row, "denoise")["step_seconds"][1:]]
    middle = {key: statistics.median(stage(row, key)["seconds"] for row in rows)
              for key in ("text", "denoise", "decode")}
    moved = stage(rows[0], "denoise")
    cells = [name, str(len(rows)), f"{statistics.median(steps):.3f}", f"{middle['text']:.2f}",
             f"{middle['denoise']:.2f}", f"{middle['decode']:.2f}",
             f"{statistics.median(row['wall_s'] for row in rows):.2f}",
             f"{statistics.median(row['to_first_step_s'] for row in rows):.2f}",
             f"{statistics.median(stage(row, 'denoise')['stall_seconds'] for row in rows):.2f}",
             gib(moved["upload_bytes"]), gib(moved["storage_bytes"] / len(moved["step_seconds"])),
             gib(stage(rows[0], "decode")["peak_bytes"]),
             gib(max(row["gpu_peak_bytes"] for row in rows)),
             gib(rows[0]["planned_gpu_bytes"]), gib(max(row["host_peak_bytes"] for row in rows))]
    return "| " + " | ".join(cells) + " |"


def clips_section(report: dict, file: str) -> str:
    machine = report["machine"]
    lines = [f"### {machine['gpu']}, driver {machine['driver']}", "",
             "| request | runs | step after the first, median s | text s | denoise s | decode s | whole process s "
             "| to the first step s | stall s | weights uploaded GiB | from the disk GiB a step "
             "| of the decode GiB | GPU peak GiB | planned GiB | host peak GiB |",
             "| --- | ---: " + "| ---: " * 13 + "|"]
    names = dict.fromkeys(row["name"] for row in report["runs"])
    refused = []
    for name in names:
        rows = [row for row in report["runs"] if row["name"] == name]
        if all(row["exit_code"] == 0 for row in rows):
            lines.append(clip_line(name, rows))
        else:
            refused.append(rows[0])
    for row in refused:
        reason = next(line for line in row["message"] if line.startswith("reel: "))
        lines += ["", f"{row['name']}: refused in {row['wall_s']:.1f} s with exit code "
                  f"{row['exit_code']}: \"{reason.removeprefix('reel: ')}\""]
    commands = ", ".join(f"`{one}`" for one in [report["command"], *report.get("further", [])])
    lines += ["", f"{commands}, {report['date']}, commit {report['commit']}, "
              f"{report['program'].splitlines()[0]}; everything is in "
              f"[{file}](../bench/results/{file})."]
    return "\n".join(lines) + "\n"


def ops_section(report: dict, file: str) -> str:
    lines = [f"### {report['device']}", ""]
    if report.get("sm_clock_hz"):
        lines.append(f"* driver {report['driver']}; under INT8 products without a pause "
                     f"{report['sm_clock_hz'] * 1e-6:.0f} MHz and {report['power_w']:.0f} of "
                     f"{report['power_limit_w']:.0f} W")
    for rate in report["rates"]:
        scale, unit = (1e-12, "Top/s") if rate["unit"] == "op" else (1e-9, "GB/s")
        lines.append(f"* {rate['name']}: {rate['per_second'] * scale:.1f} {unit}")
    lines += ["", "| op | shape | ms | rate | of the bound |", "| --- | --- | ---: | ---: | ---: |"]
    for op in report["ops"]:
        rate = (f"{op['per_second'] * 1e-12:.0f} Top/s" if op["unit"] == "op"
                else f"{op['per_second'] * 1e-9:.0f} GB/s")
        share = f"{100 * op['of_bound']:.0f} %" if "of_bound" in op else ""
        lines.append(f"| {op['op']} | {op['shape']} | {op['seconds'] * 1e3:.3f} | {rate} | {share} |")
    block = report["block"]
    lines += ["", f"One block takes {block['seconds'] * 1e3:.2f} ms, {block['blocks']} of them "
              f"{block['seconds'] * block['blocks']:.2f} s. `reel bench --device cuda:0 --json`, "
              f"{report['date']}, {report['version']}, "
              + (f"commit {report['commit']}, " if report.get("commit") else "")
              + f"{report['kernels']}; "
              f"[{file}](../bench/results/{file})."]
    return "\n".join(lines) + "\n"


PREDICTED_HEAD = """\
## Predicted, for cards that nobody has measured

`reel bench --predict all`. Nothing below was measured on these cards; the first owner's `reel doctor`
prints predicted beside measured.
"""


def predicted_section(report: dict, file: str) -> str:
    lines = [f"{report['width']}x{report['height']}, {report['frames']} frames, {report['steps']} steps, "
             "the 14B's FP8 folder, as much of the card as a plan may use:", "",
             "| card | INT8 products Top/s | 8-bit attention Top/s | step s | text s | decode s "
             "| clip from a cold disk s | GPU GiB | attention with f16 PV Top/s | step s |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for card in report["cards"]:
        f16 = (f"{card['f16_values_attention_ops'] * 1e-12:.0f} | {card['f16_values_step_s']:.1f}"
               if "f16_values_step_s" in card else "|")
        lines.append(f"| {card['gpu']} | {card['int8_ops'] * 1e-12:.0f} | "
                     f"{card['attention_ops'] * 1e-12:.0f} | {card['step_s']:.1f} | {card['text_s']:.1f} | "
                     f"{card['decode_s']:.1f} | {card['clip_s']:.0f} | {card['gpu_bytes'] / 2**30:.1f} | {f16} |")
    lines += ["", " ".join(report["assumptions"].split()),
              "", f"[{file}](../bench/results/{file})"]
    return "\n".join(lines) + "\n"


PEERS_HEAD = """\
## Beside other libraries on a GPU

`bench/gpu/peers.py` lets Reel and PyTorch (cuBLASLt, cuDNN, torch.compile; the networks are diffusers')
take turns in one run, with random numbers in the same shapes. Reel's products are rotated INT8 with
scales, and add, gate or GELU as the ops above say; cuBLASLt's INT8 ends as INT32, without scales, by PyTorch's
choice of its kernels; the fastest of them is in [products](kernels/products.md). Reel's self-attention is
8-bit with e4m3 values and its queries' quantisation, its peers' is bf16. Compiled norms do not rotate. Reel's step and
decode are those of the resident clips above, of another run, with their MP4 files.
"""

# Op and shape of Reel's that a peer's is held beside.
SAME_WORK = {
    ("product", "8192 x 5120 x 5120"): ("product for queries, sums of squares",
                                        "8192 x 5120 x 5120"),
    ("product", "8192 x 5120 x 13824"): ("product up, GELU", "8192 x 5120 x 13824"),
    ("product", "8192 x 13824 x 5120"): ("product down, gate, residual", "8192 x 13824 x 5120"),
    ("self-attention", "8192 x 32760, 40 heads"): ("self-attention, e4m3 values, its queries too",
                                                   "8192 x 32760, 40 heads"),
    ("cross-attention", "8192 x 131, 40 heads"): ("cross-attention", "8192 x 131, 40 heads"),
    ("layer norm", "8192 x 5120"): ("layer norm, rotate, quantise", "8192 x 5120"),
    ("quantise", "8192 x 13824"): ("rotate, quantise", "8192 x 13824"),
}


def reel_seconds(peer: dict, ops: list[dict]) -> float | None:
    """Of the op of Reel's that does what the peer's does."""
    wanted = next((mine for (words, shape), mine in SAME_WORK.items()
                   if words in peer["op"] and shape == peer["shape"]), None)
    if "convolution" in peer["op"]:
        wanted = ("convolution 3x3x3", peer["shape"])
    return next((one["seconds"] for one in ops if (one["op"], one["shape"]) == wanted), None)


def peer_line(what: str, library: str, seconds: float, mine: float, unit: str) -> str:
    scale = 1e3 if unit == "ms" else 1
    return (f"| {what} | {library} | {seconds * scale:.3f} {unit} | {mine * scale:.3f} {unit} "
            f"| {seconds / mine:.2f} |")


def peers_section(report: dict, file: str) -> str:
    machine, found = report["machine"], report["rounds"][0]
    lines = [f"### {machine['gpu']}, driver {machine['driver']}", "",
             "| | peer | peer's time | Reel's time | ratio |", "| --- | --- | ---: | ---: | ---: |"]
    for peer in found["peer_ops"]["ops"]:
        mine = reel_seconds(peer, found["reel_ops"]["ops"])
        if mine is not None:
            lines.append(peer_line(f"{peer['op']}, {peer['shape']}", peer["library"],
                                   peer["seconds"], mine, "ms"))
    clip = {"clip": found["reel_clip"]}
    steps = stage(clip, "denoise")["step_seconds"][1:]
    for name, what, library, mine in (
            ("peer_dit", "a DiT step, 832x480, 81 frames", "PyTorch compiled, bf16, cuDNN",
             statistics.median(steps)),
            ("peer_vae", "a decode of the same", "PyTorch, bf16, cuDNN",
             stage(clip, "decode")["seconds"]),
            ("peer_vae_compiled", "a decode of the same", "PyTorch compiled",
             stage(clip, "decode")["seconds"])):
        answer = found[name]
        lines.append(f"| {what} | {library} | {answer['failed']} | {mine:.3f} s | |"
                     if "failed" in answer else
                     peer_line(what, library, answer["seconds"], mine, "s"))
    versions = found["peer_ops"]["versions"]
    lines += ["", f"`{report['command']}`, {report['date']}, commit {report['commit']}; torch "
              f"{versions['torch']}, cuDNN {versions['cudnn']}; [{file}](../bench/results/{file})."]
    return "\n".join(lines) + "\n"
