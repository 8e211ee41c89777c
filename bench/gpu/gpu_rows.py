# SPDX-License-Identifier: Apache-2.0
"""Rows of faults.py that need a GPU: strips, the second attempt, memory others take, a lost GPU."""
import json
import os
import random
import re
import shutil
import signal
import struct
import time
from pathlib import Path

from driver import Ballast, Watch
from fault_rows import Rows
from program import require, stage
from scene import (DEVICE_FAILURE, GIB, MOST_LATENCY_S, OUT_OF_MEMORY, Scene, card_mib, within)
from weights import header_of, scale_tensor

MIB = 1 << 20
# Values of f16 attention end at 65,504; those of a network are near 1.
BEYOND_F16 = 24


def strips(scene: Scene) -> Rows:
    """Decoding in strips: the same bytes, in less memory."""
    latents, out = scene.folder / "noise.safetensors", scene.program.out / "frames.y4m"

    def decoded(vram_bytes: int) -> tuple[bytes, float, int, int]:
        budget = ["--vram", f"{card_mib(vram_bytes)}MiB"] if vram_bytes else []
        before = scene.nvml.memory().used
        running = scene.program.start(["decode", "--model", str(scene.model), "--latents",
                                       str(latents), "--device", scene.program.device, *budget,
                                       "--out", str(out), "--force"])
        watch = Watch(scene.nvml, running.process.pid, before)
        outcome = running.wait()
        watch.stop()
        require(outcome.exit_code == 0, outcome.last_line())
        seconds = float(re.search(r"decode (\d+\.\d)", outcome.err).group(1))
        frames = out.read_bytes()
        out.unlink()
        return frames, seconds, watch.gpu_peak, vram_bytes

    def same_bytes() -> str:
        scene.need_gpu("the CPU decodes in one strip")
        write_noise(latents, 21, 60, 104)
        whole, whole_s, whole_peak, _ = decoded(0)
        figures = [f"1 strip {whole_peak / GIB:.2f} GiB {whole_s} s"]
        context = scene.plan([])["context_bytes"]
        for name, arena_gib in (("less", 1.6), ("little", 1.2), ("least", 1.0)):
            frames, seconds, peak, cap = decoded(context + int(arena_gib * GIB))
            require(frames == whole, f"other frames with {name} memory")
            require(peak <= cap, f"{peak / GIB:.2f} GiB were held, {cap / GIB:.2f} are allowed")
            require(peak < whole_peak, "no less memory than in one strip")
            figures.append(f"at most {cap / GIB:.2f} GiB: {peak / GIB:.2f} GiB {seconds} s")
        return "; ".join(figures) + "; the same bytes"

    yield "decode in strips", same_bytes


def write_noise(path: Path, frames: int, rows: int, cols: int) -> None:
    """Latents for `reel decode`: [16, frames, rows, cols] f32."""
    count = 16 * frames * rows * cols
    draw = random.Random(7)
    one = struct.pack("<4096f", *(draw.gauss(0, 1) for _ in range(4096)))
    numbers = (one * (count // 4096 + 1))[:4 * count]
    header = json.dumps({"latents": {"dtype": "F32", "shape": [16, frames, rows, cols],
                                     "data_offsets": [0, 4 * count]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + numbers)


def second(scene: Scene) -> Rows:
    """Steps whose values no f16 holds are taken again with bf16 products and attention."""

    def taken_again(options: list[str]) -> str:
        scene.need_gpu("the CPU's kernels hold such values")
        model = scene.folder / "overflowing"
        shutil.copytree(scene.model, model, copy_function=copy_blocks)
        try:
            for path in model.rglob("block_*.safetensors"):
                overflow(path)
            words = scene.program.generate(model, options)
            outcome = scene.program.run(words)
            clip = outcome.clip()
            steps = len(re.findall(r"it is taken again with", outcome.err))
            require(steps == 4, f"{steps} steps were taken again, not 4")
            exact = scene.program.run([*words, "--precision", "bf16"]).clip()
            require(clip["frames_digest"] == exact["frames_digest"], "not the frames of bf16")
            return (f"4 of 4 steps taken again, denoise {stage(clip, 'denoise')['seconds']:.1f} s "
                    f"(bf16 alone {stage(exact, 'denoise')['seconds']:.1f} s); bf16's frames")
        finally:
            shutil.rmtree(model)
            scene.program.tidy()

    yield "values beyond f16, no budget", lambda: taken_again([])
    yield "values beyond f16, as on 8 GiB", lambda: taken_again(["--vram", "8GiB"])


def copy_blocks(source: str, to: str) -> None:
    """A copy of a block's file, which will be changed; the same file for others."""
    copy = shutil.copyfile if Path(source).name.startswith("block_") else os.link
    copy(source, to)


def overflow(block: Path) -> None:
    """The same network, but the values of its self-attention are beyond f16."""
    for name in header_of(block)[0]:
        if name.endswith(("self_attn.v.weight_scale", "self_attn.v.bias")):
            scale_tensor(block, name, BEYOND_F16)
        if name.endswith("self_attn.o.weight_scale"):
            scale_tensor(block, name, -BEYOND_F16)


def taken(scene: Scene) -> Rows:
    """Another process takes GPU memory."""

    def before_start() -> str:
        scene.need_gpu("there is no GPU memory")
        least = scene.plan([])["least_cap_bytes"]
        with Ballast(least - GIB // 4):
            outcome = scene.program.run(scene.words([]))
        scene.ended_badly(outcome, OUT_OF_MEMORY)
        require(not scene.program.jobs(), "a job was kept")
        return f"refused after {outcome.seconds:.2f} s, exit {OUT_OF_MEMORY}: {outcome.last_line()}"

    def before_plan() -> str:
        scene.need_gpu("there is no GPU memory")
        before = scene.nvml.memory().used
        running = scene.start([])
        while scene.nvml.memory().used < before + 200 * MIB and running.process.poll() is None:
            time.sleep(0.0005)  # until it has a context
        running.send(signal.SIGSTOP)
        context = scene.nvml.memory().used - before
        # What is left is enough, but far from all that there was.
        with Ballast(scene.plan([])["least_cap_bytes"]):
            running.send(signal.SIGCONT)
            outcome = running.wait()
        figures = f"after {context / MIB:.0f} MiB of context"
        if outcome.exit_code == OUT_OF_MEMORY:
            scene.ended_badly(outcome, OUT_OF_MEMORY)
            return f"{figures}: refused, {outcome.last_line()}"
        scene.same(outcome.clip())
        scene.program.tidy()
        return f"{figures}: planned for what was left; the same frames"

    def while_it_runs() -> str:
        scene.need_gpu("there is no GPU memory")
        running = scene.start(scene.tight)
        running.wait_for("text  ")
        with Ballast(4 * MIB):
            left = scene.nvml.memory().free
            outcome = running.wait()
        scene.same(outcome.clip())
        scene.program.tidy()
        return f"{left / MIB:.0f} MiB were left after the text; the same frames"

    yield "memory taken before the start", before_start
    yield "memory taken between context and plan", before_plan
    yield "all memory taken while it runs", while_it_runs


def lost(scene: Scene) -> Rows:
    """The program's GPU context fails for good, as after a fault of the GPU."""

    def lost_in(words: str, pause_s: float, can_resume: bool) -> str:
        scene.need_gpu("there is no GPU to lose")
        when = scene.folder / "lost"
        done = Path(f"{when}.done")
        for path in (when, done, Path(f"{when}.failed")):
            path.unlink(missing_ok=True)
        running = scene.start(scene.tight, {"LD_PRELOAD": scene.preload("lose_gpu"),
                                            "REEL_LOSE_GPU_WHEN": str(when)})
        running.wait_for(words)
        time.sleep(pause_s)
        when.touch()
        while not done.exists() and running.process.poll() is None:
            time.sleep(0.001)
        at = time.monotonic()
        outcome = running.wait()
        require(done.exists() or outcome.exit_code == DEVICE_FAILURE,
                f"the GPU was not lost; exit {outcome.exit_code}")
        scene.ended_badly(outcome, DEVICE_FAILURE)
        latency = within(max(0.0, outcome.ended - at), MOST_LATENCY_S, "the end")
        figures = f"{latency} after it, exit {DEVICE_FAILURE}: {outcome.last_line()}"
        if not can_resume:
            scene.program.tidy()
            return figures
        scene.resumed()
        return figures + "; resumed to the same frames"

    yield "the GPU is lost while the DiT is loaded", lambda: lost_in("text  ", 0.0, False)
    yield "the GPU is lost in a step", lambda: lost_in("step 2/4", scene.reference.step_s / 3, True)
    yield "the GPU is lost in the decode", lambda: lost_in(
        "step 4/4", scene.reference.decode_s / 2, True)
