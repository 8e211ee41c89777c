# SPDX-License-Identifier: Apache-2.0
"""Rows of faults.py about what lies around the program: cold files, NVIDIA's libraries, the score."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from fault_rows import Rows
from program import Failed, require, stage
from scene import Scene, Skipped
from weights import evict, read_seconds

LIBRARIES = ("libcublas", "libcublasLt", "libcudnn")


class Reads:
    """What a process has asked of files, against time."""

    def __init__(self, pid: int):
        self.pid, self.seen = pid, []

    def look(self) -> None:
        try:
            text = Path(f"/proc/{self.pid}/io").read_text()
        except OSError:  # it has ended
            return
        self.seen.append((time.monotonic(), int(re.search(r"rchar: (\d+)", text).group(1))))

    def until(self, moment: float) -> int:
        return max((count for at, count in self.seen if at <= moment), default=0)


def cold(scene: Scene) -> Rows:
    """Weight files out of the page cache."""

    def start() -> str:
        scene.need_gpu("to prepare weights takes a CPU longer than to read them")
        files = scene.weight_files()
        evict(files)
        raw_s, raw_bytes = read_seconds(files)
        warm_s, _ = read_seconds(files)
        if warm_s > 0.7 * raw_s:
            raise Skipped(f"the system keeps files ({raw_s:.2f} s cold, {warm_s:.2f} s warm)")
        evict(files)
        running = scene.start([])
        reads = Reads(running.process.pid)
        while running.process.poll() is None:
            reads.look()
            time.sleep(0.005)
        outcome = running.wait()
        clip = outcome.clip()
        scene.program.tidy()
        measured, denoise = clip["measured"], stage(clip, "denoise")
        first_s = (outcome.seconds - measured["seconds"] + stage(clip, "text")["seconds"]
                   + denoise["seconds"] - sum(denoise["step_seconds"]))
        by_then = reads.until(outcome.started + first_s)
        bound_s = 1.2 * by_then * raw_s / raw_bytes
        figures = (f"{first_s:.2f} s to the first step, {by_then / 1e9:.2f} GB read by then, which "
                   f"alone take {bound_s / 1.2:.2f} s at {raw_bytes / raw_s / 1e9:.2f} GB/s")
        require(first_s <= bound_s, figures)
        return figures

    yield "start from a cold disk", start


def libraries(scene: Scene) -> Rows:
    """cuBLASLt and cuDNN, which no kernel needs."""

    def same_without() -> str:
        scene.need_gpu("the CPU has no use for them")
        folders = library_folders()
        if not folders:
            raise Skipped("neither is installed here")
        running = scene.start(scene.tight, {"LD_LIBRARY_PATH": ":".join(
            [*folders, os.environ.get("LD_LIBRARY_PATH", "")])})
        opened = set()
        while running.process.poll() is None:
            opened |= mapped(running.process.pid)
            time.sleep(0.02)
        scene.same(running.wait().clip())
        scene.program.tidy()
        return (f"found in {len(folders)} folders of the search path, opened: "
                f"{', '.join(sorted(opened)) or 'none'}; the same frames as without")

    yield "cuBLASLt and cuDNN there, and not there", same_without


def library_folders() -> list[str]:
    found = subprocess.run([sys.executable, "-c", "import nvidia; print(*nvidia.__path__)"],
                           capture_output=True, text=True, check=False)
    places = [Path(one) for one in found.stdout.split()] + [Path("/usr/local/cuda/lib64")]
    names = ("libcublasLt.so*", "libcudnn.so*")
    return sorted({str(path.parent) for place in places for name in names
                   for path in place.rglob(name)})


def mapped(pid: int) -> set[str]:
    try:
        text = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return set()
    return {name for name in LIBRARIES if name in text}


def score(scene: Scene) -> Rows:
    """The demo model's clips against their prompts."""

    def marks() -> str:
        program = scene.args.score
        if program is None:
            raise Skipped("--score was not given")
        words = [sys.executable, str(program), "--reel", str(scene.program.reel), "--count",
                 str(scene.args.clips), "--quiet", "--model", str(scene.args.demo),
                 "--", "--device", scene.program.device, "--no-cache"]
        done = subprocess.run(words, capture_output=True, text=True, check=False,
                              env=scene.program.environment)
        lines = [" ".join(line.split()) for line in done.stdout.splitlines() if "%" in line]
        found = "; ".join(re.sub(r"\(mark.*", "", line).strip() for line in lines)
        if done.returncode != 0:
            raise Failed(found or done.stderr.strip()[-200:])
        return found

    yield "the demo model's score", marks
