# SPDX-License-Identifier: Apache-2.0
"""Rows of faults.py that any device has: stages alone, the cache, stops, spoiled weight files."""
import shutil
import signal
import time
from collections.abc import Callable, Iterator

from program import SIGNALS, require, stage
from scene import (BAD_FILE, CANCELLED, MOST_LATENCY_S, READ_OR_WRITE, Scene, until, within)

Rows = Iterator[tuple[str, Callable[[], str]]]


def stages(scene: Scene) -> Rows:
    """encode-text, denoise and decode one after the other, each under the tight budget."""
    program = scene.program
    text, latents = scene.folder / "text.safetensors", scene.folder / "latents.safetensors"
    place = ["--model", str(scene.model), "--device", program.device, *scene.tight]

    def run(words: list[str]) -> float:
        outcome = program.run([*words, *place])
        require(outcome.exit_code == 0, outcome.last_line())
        return outcome.seconds

    def joined() -> str:
        seconds = [run(["encode-text", "--prompt", "a ball", "--out", str(text)]),
                   run(["denoise", "--text", str(text), "--seed", "1", *program.common,
                        "--out", str(latents)]),
                   run(["decode", "--latents", str(latents), "--out", str(program.out / "a.y4m")])]
        alone = (program.out / "a.y4m").read_bytes()
        whole = program.run(scene.words(scene.tight))
        scene.same(whole.clip())
        require(alone == (program.out / "clip.y4m").read_bytes(), "the clip is another one")
        program.tidy()
        return " + ".join(f"{one:.2f}" for one in seconds) + " s, the clip's bytes"

    def stopped() -> str:
        running = program.start(["decode", "--latents", str(latents), "--out",
                                 str(program.out / "a.y4m"), *place])
        time.sleep(scene.reference.decode_s * 0.8)
        sent = running.send(signal.SIGINT)
        outcome = running.wait()
        scene.ended_badly(outcome, CANCELLED)
        return within(outcome.ended - sent, MOST_LATENCY_S, "the stop")

    yield "encode-text, denoise, decode make generate's clip", joined
    yield "Ctrl-C in decode alone", stopped


def cache(scene: Scene) -> Rows:
    """The states of a prompt that was encoded before."""
    entries = scene.folder / "cache/reel/text"

    def twice() -> str:
        first, second = (scene.clip(scene.tight, cached=True) for _ in range(2))
        scene.same(first)
        scene.same(second)
        require(not stage(first, "text").get("from_cache"), "there was a cache already")
        require(stage(second, "text").get("from_cache", False), "encoded again")
        return (f"text {stage(first, 'text')['seconds']:.3f} s, then "
                f"{stage(second, 'text')['seconds']:.3f} s; the same frames")

    def damaged() -> str:
        entry = next(entries.iterdir())
        content = bytearray(entry.read_bytes())
        content[-5] ^= 1
        entry.write_bytes(content)
        outcome = scene.program.run(scene.words(scene.tight, cached=True))
        scene.same(outcome.clip())
        require("left aside" in outcome.err, "nothing was said of the damage")
        scene.program.tidy()
        return "left aside with a remark; the same frames"

    yield "a prompt encoded before", twice
    yield "a damaged entry of the cache", damaged


def stops(scene: Scene) -> Rows:
    """Signals in every phase."""
    at = scene.reference

    def in_start(running) -> None:
        until(running.started + 0.6 * (at.to_text_end_s - at.text_s))

    def in_text(running) -> None:
        until(running.started + at.to_text_end_s - at.text_s / 2)

    def in_load(running) -> None:
        until(running.wait_for("text  ") + 0.02)

    def in_step(running) -> None:
        until(running.wait_for("step 2/4") + at.step_s / 2)

    def in_decode(running) -> None:
        until(running.wait_for("step 4/4") + at.decode_s / 2)

    def stop(reach: Callable, number: int, can_resume: bool) -> str:
        running = scene.start(scene.tight)
        reach(running)
        sent = running.send(number)
        outcome = running.wait()
        # The very start leaves signals as they are: there is nothing to tidy up.
        code = -number if reach is in_start and outcome.exit_code < 0 else CANCELLED
        scene.ended_badly(outcome, code)
        latency = within(outcome.ended - sent, MOST_LATENCY_S, "the stop")
        if not can_resume:
            require(not scene.program.jobs(), "a job was kept that has no latents")
            return f"{latency}, exit {outcome.exit_code}"
        scene.resumed()
        return f"{latency}, exit {outcome.exit_code}; resumed to the same frames"

    for name, number in SIGNALS.items():
        for phase, reach, can_resume in (("the start", in_start, False), ("the text", in_text, False),
                                         ("loading the DiT", in_load, False),
                                         ("a step", in_step, True), ("the decode", in_decode, True)):
            if number == signal.SIGINT or can_resume:
                yield (f"{name} in {phase}",
                       lambda r=reach, n=number, c=can_resume: stop(r, n, c))


def files(scene: Scene) -> Rows:
    """Weight files that go bad while blocks of them are streamed in every step."""
    file, kept = scene.last_block(), scene.folder / "kept.safetensors"

    when, met = scene.folder / "from-now-on", scene.folder / "met"

    def spoiling(how: str) -> dict:
        """The environment in which reads of the file go wrong as soon as `when` exists."""
        for left in (when, met):
            left.unlink(missing_ok=True)
        return {"LD_PRELOAD": scene.preload("spoil_reads"), "REEL_SPOIL_HOW": how,
                "REEL_SPOIL_FILE": file.name, "REEL_SPOIL_WHEN": str(when),
                "REEL_SPOIL_MET": str(met)}

    def ends(code: int, how: str, options: list[str], spoil: Callable = lambda: None) -> str:
        """Spoiled after step 1: it ends soon after it has met that, which it does within a step."""
        running = scene.start(options, spoiling(how))
        running.wait_for("step 1/4")
        spoiled = time.monotonic()
        when.touch()
        spoil()
        outcome = running.wait()
        scene.ended_badly(outcome, code, file.name)
        require(met.exists(), "the file was not looked at again")
        found = float(met.read_text())
        latency = within(outcome.ended - found, MOST_LATENCY_S, "the end")
        return (f"{latency} after it met the fault (which was made {found - spoiled:.2f} s before), "
                f"exit {code}")

    def shrinks() -> str:
        shutil.copyfile(file, kept)
        try:
            figures = ends(BAD_FILE, "not", scene.tight, lambda: truncate(file))
        finally:
            kept.replace(file)
        scene.resumed()
        return f"{figures}; resumed to the same frames"

    def vanishes() -> str:
        try:
            running = scene.start(scene.tight)
            running.wait_for("step 1/4")
            file.rename(kept)
            outcome = running.wait()
        finally:
            kept.rename(file)
        scene.same(outcome.clip())
        scene.program.tidy()
        return "read to the end; the same frames"

    def short_reads(options: list[str]) -> str:
        environment = spoiling("short")
        when.touch()
        scene.same(scene.clip(options, environment))
        return "the same frames"

    def read_error(options: list[str]) -> str:
        figures = ends(READ_OR_WRITE, "error", options)
        when.unlink()
        scene.resumed()
        return f"{figures}; resumed to the same frames"

    def direct() -> list[str]:
        """A budget of host memory that keeps reads out of the page cache."""
        scene.need_gpu("the CPU reads through the page cache")
        options = [*scene.tight, "--ram", f"{scene.devices()}GiB"]
        modes = [one["read_mode"] for one in scene.plan(options)["stages"] if one["blocks"] > 0]
        require("direct" in modes, f"reads would be {modes}")
        return options

    yield "a file shrinks", shrinks
    yield "a file vanishes", vanishes
    yield "short reads", lambda: short_reads(scene.tight)
    yield "short reads, around the page cache", lambda: short_reads(direct())
    yield "a read error on one block", lambda: read_error(scene.tight)
    yield "a read error, around the page cache", lambda: read_error(direct())


def truncate(path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
