# SPDX-License-Identifier: Apache-2.0
"""What the rows of faults.py share: a program, a model of its own, and one undisturbed clip."""
import json
import time
from dataclasses import dataclass
from pathlib import Path

from driver import Nvml
from program import Outcome, Program, require, stage

GIB = 1 << 30
MOST_LATENCY_S = 0.5
CANCELLED, OUT_OF_MEMORY, BAD_FILE, DEVICE_FAILURE, READ_OR_WRITE = 130, 3, 5, 7, 8

# Blocks, layers and sizes of the 14B, but few of them; and what a CPU can do in seconds.
GPU_MODEL = ["--preset", "wan2.1-t2v-14b", "--layers", "8", "--t5-layers", "4",
             "--t5-vocab", "4096"]
GPU_CLIP = ["--size", "480p", "--frames", "81"]
CPU_MODEL = ["--dim", "512", "--ffn-dim", "1024", "--layers", "4", "--text-dim", "1024",
             "--t5-ffn-dim", "2048", "--t5-layers", "8", "--width", "256", "--height", "256",
             "--frames", "17"]


class Skipped(Exception):
    """Why a row says nothing here."""


@dataclass
class Reference:
    """One clip that nobody disturbed."""

    digest: str
    to_text_end_s: float  # from the start of the process
    text_s: float
    step_s: float
    decode_s: float
    wall_s: float


class Scene:
    def __init__(self, args, folder: Path):
        self.args, self.folder = args, folder
        self.program = Program(args.reel.resolve(), folder, args.device)
        self.nvml = Nvml() if self.program.on_gpu() else None
        self.model = folder / "model"
        shapes = GPU_MODEL if self.program.on_gpu() else CPU_MODEL
        made = self.program.run(["synth", "--layout", "distill_fp8", *shapes, "--seed", "3",
                                 "--out", str(self.model)])
        require(made.exit_code == 0, made.last_line())
        self.program.common = GPU_CLIP if self.program.on_gpu() else []
        self.tight = self.tight_budget()
        self.reference = self.undisturbed()

    def devices(self) -> int:
        return self.program.device.count(",") + 1

    def need_gpu(self, why: str) -> None:
        if not self.program.on_gpu():
            raise Skipped(why)

    def plan(self, options: list[str]) -> dict:
        several = ["--device", self.program.device] if self.devices() > 1 else []
        words = ["plan", "--model", str(self.model), "--prompt", "a ball", "--json",
                 *self.program.common, *several, *options]
        return json.loads(self.program.run(words).out)

    def tight_budget(self) -> list[str]:
        """So little that most blocks are streamed in every step."""
        if not self.program.on_gpu():
            return ["--ram", "1MiB"]
        return ["--vram", f"{card_mib(self.plan([])['least_cap_bytes'])}MiB"]

    def undisturbed(self) -> Reference:
        running = self.start(self.tight)
        outcome = running.wait()
        clip = outcome.clip()
        self.program.tidy()
        denoise = stage(clip, "denoise")
        return Reference(digest=clip["frames_digest"],
                         to_text_end_s=running.when("text  ") - running.started,
                         text_s=stage(clip, "text")["seconds"],
                         step_s=max(denoise["step_seconds"]),
                         decode_s=stage(clip, "decode")["seconds"], wall_s=outcome.seconds)

    def words(self, options: list[str], **keys) -> list[str]:
        return self.program.generate(self.model, options, **keys)

    def start(self, options: list[str], environment: dict | None = None):
        return self.program.start(self.words(options), environment)

    def clip(self, options: list[str], environment: dict | None = None, **keys) -> dict:
        clip = self.program.run(self.words(options, **keys), environment).clip()
        self.program.tidy()
        return clip

    def same(self, clip: dict) -> None:
        require(clip["frames_digest"] == self.reference.digest, "the frames are other ones")

    def weight_files(self) -> list[Path]:
        return sorted(path for path in self.model.rglob("*")
                      if path.suffix in (".safetensors", ".pth"))

    def last_block(self) -> Path:
        blocks = [path for path in self.weight_files() if path.name.startswith("block_")]
        return max(blocks, key=lambda path: int(path.stem.split("_")[1]))

    def preload(self, name: str) -> str:
        """A library of tests/e2e/preload, beside the program or where it was built."""
        near = self.program.reel.parent.parent
        for folder in (near / "lib", near / "tests/preload"):
            if (folder / f"{name}.so").exists():
                return str(folder / f"{name}.so")
        raise Skipped(f"{name}.so was not built")

    def ended_badly(self, outcome: Outcome, code: int, words: str = "") -> None:
        require(outcome.exit_code == code, f"exit {outcome.exit_code}: {outcome.last_line()}")
        require(words in outcome.err, f'no "{words}" in: {outcome.last_line()}')
        require(not self.program.leftovers(), f"left behind: {self.program.leftovers()}")

    def resumed(self) -> None:
        self.same(self.program.resume())
        self.program.tidy()


def card_mib(cap_bytes: int) -> int:
    """The smallest card, in MiB, of which that much may be used: max(0.8 GiB, 8 %) is not."""
    return int(max(cap_bytes + 0.8 * GIB, cap_bytes / 0.92)) // (1 << 20) + 2


def until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def within(seconds: float, most_s: float, what: str) -> str:
    require(seconds <= most_s, f"{what} took {seconds:.2f} s, at most {most_s:.2f} are allowed")
    return f"{seconds:.2f} s"


