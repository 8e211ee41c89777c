# SPDX-License-Identifier: Apache-2.0
"""reel.Pipeline with the demo model: what it makes, tells, and how it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import List

import numpy
import pytest
import reel

from conftest import PROMPT, run_program

SHORT = {"frames": 5}


@pytest.fixture(scope="module")
def demo() -> reel.Pipeline:
    return reel.Pipeline(device="cpu")


@pytest.fixture(scope="module")
def clip(demo: reel.Pipeline) -> reel.Clip:
    return demo.generate(PROMPT, seed=7)


def red_center(frame: numpy.ndarray) -> float:
    """The mean column of the red pixels."""
    red, green, blue = (frame[..., channel].astype(int) for channel in range(3))
    columns = numpy.nonzero((red > 120) & (red > green + 60) & (red > blue + 60))[1]
    return float(columns.mean())


def test_frames_show_what_the_prompt_says(clip: reel.Clip) -> None:
    assert clip.frames is not None
    assert clip.frames.shape == (33, 128, 128, 3)
    assert clip.frames.dtype == numpy.uint8
    assert red_center(clip.frames[-1]) > red_center(clip.frames[0]) + 20
    assert clip.path is None
    assert (clip.seed, clip.width, clip.height, clip.frame_count) == (7, 128, 128, 33)
    assert clip.recipe["prompt"] == PROMPT
    assert clip.report["seconds"] > 0


def test_is_the_clip_of_the_program(clip: reel.Clip, tmp_path: Path) -> None:
    made = run_program("generate", "--prompt", PROMPT, "--seed", 7, "--device", "cpu",
                       "--out", "clip.y4m", "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["frames_digest"] == clip.frames_digest


def test_files_have_the_frames(demo: reel.Pipeline, tmp_path: Path) -> None:
    clip = demo.generate(PROMPT, seed=3, out=tmp_path / "shots", return_frames=True, **SHORT)
    assert clip.frames is not None and clip.path == str(tmp_path / "shots")
    files = sorted(Path(clip.path).iterdir())
    assert len(files) == len(clip.frames) == 5
    for file, frame in zip(files, clip.frames):
        decoded = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", file, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
            capture_output=True, check=True,
        ).stdout
        assert decoded == frame.tobytes()


def test_writes_mp4(demo: reel.Pipeline, tmp_path: Path) -> None:
    clip = demo.generate(PROMPT, seed=3, out=tmp_path / "clip-{seed}.mp4", **SHORT)
    assert clip.frames is None and clip.path == str(tmp_path / "clip-3.mp4")
    replayed = run_program("replay", clip.path)
    assert replayed.returncode == 0, replayed.stderr


def test_progress_is_told_in_order_and_in_this_thread(demo: reel.Pipeline) -> None:
    seen = []
    threads = set()

    def progress(event: reel.ProgressEvent) -> None:
        seen.append((event.stage, event.done, event.total))
        threads.add(threading.get_ident())
        assert 0 <= event.part <= 1 and event.stage_seconds >= 0
        assert event.remaining_seconds is None or event.remaining_seconds >= 0

    demo.generate("a blue star over the sea", seed=1, progress=progress, **SHORT)
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == ["text", "denoise", "decode"]
    for stage in stages:
        of_stage = [(done, total) for name, done, total in seen if name == stage]
        assert of_stage == sorted(of_stage)
        assert of_stage[-1][0] == of_stage[-1][1]
    assert ("denoise", 4, 4) in seen and ("decode", 5, 5) in seen
    assert threads == {threading.get_ident()}


def test_an_exception_of_the_callback_stops_the_run(demo: reel.Pipeline, tmp_path: Path) -> None:
    calls: List[str] = []

    def progress(event: reel.ProgressEvent) -> None:
        if event.stage == "denoise":
            calls.append(event.stage)
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        demo.generate(PROMPT, out=tmp_path / "clip.mp4", progress=progress)
    assert calls == ["denoise"]
    assert not list(tmp_path.iterdir())
    assert demo.generate(PROMPT, seed=7, **SHORT).frame_count == 5  # it can go on


def test_cancel_and_resume(demo: reel.Pipeline, clip: reel.Clip, tmp_path: Path) -> None:
    def progress(event: reel.ProgressEvent) -> None:
        if event.stage == "denoise" and event.done == 2:
            demo.cancel()

    with pytest.raises(reel.Cancelled) as caught:
        demo.generate(PROMPT, seed=7, progress=progress)
    job = caught.value.job_id
    assert job is not None and f'reel.resume("{job}")' in caught.value.hint
    out = tmp_path / "clip.mp4"
    out.write_bytes(b"the only copy of something")
    with pytest.raises(reel.InvalidArgument, match="exists already") as refused:
        reel.resume(job, out=out)
    assert "overwrite=True" in refused.value.hint
    stages = set()
    resumed = reel.resume(job, out=out, overwrite=True, return_frames=True,
                          progress=lambda event: stages.add(event.stage))
    assert "text" not in stages
    assert resumed.path == str(out) and b"ftyp" in out.read_bytes()[:12]
    assert resumed.frames_digest == clip.frames_digest
    assert numpy.array_equal(resumed.frames, clip.frames)


def test_cancel_from_another_thread(demo: reel.Pipeline) -> None:
    started = threading.Event()

    def cancel() -> None:
        started.wait()
        demo.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(reel.Cancelled):
        demo.generate(PROMPT, frames=81, progress=lambda event: started.set())
    thread.join()


@pytest.mark.filterwarnings("ignore:The model was trained at")
def test_ctrl_c_is_obeyed_within_half_a_second(demo: reel.Pipeline) -> None:
    sent = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.02, interrupt)

    def progress(event: reel.ProgressEvent) -> None:
        if event.stage == "denoise" and not timer.is_alive() and not sent:
            timer.start()

    # A shell starts its background jobs with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            demo.generate(PROMPT, width=256, height=256, frames=81, progress=progress)
        assert time.monotonic() - sent[0] < 0.5
    finally:
        signal.signal(signal.SIGINT, before)


def step_pictures(previews: List[reel.Preview]) -> List[numpy.ndarray]:
    assert [(one.step, one.steps) for one in previews] == [(step, 4) for step in (1, 2, 3, 4)]
    return [one.image for one in previews]


def test_previews_are_given_and_written(demo: reel.Pipeline, tmp_path: Path) -> None:
    seen: List[reel.Preview] = []
    clip = demo.generate(PROMPT, seed=7, previews=tmp_path / "seen-{seed}",
                         on_preview=seen.append)
    pictures = step_pictures(seen)
    # Six frames in rows of three, of which the last shows the ball further right than the first.
    height, width = pictures[-1].shape[0] // 2, pictures[-1].shape[1] // 3
    assert pictures[-1].dtype == numpy.uint8 and clip.frames is not None
    first, last = pictures[-1][:height, :width], pictures[-1][height:, 2 * width:]
    assert last[..., 0].astype(int).std() > 10  # not of one colour
    assert not numpy.array_equal(first, last)
    for step, picture in enumerate(pictures, start=1):
        written = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", tmp_path / "seen-7" / f"step-{step}.png",
             "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True,
        ).stdout
        assert written == picture.tobytes()


def test_a_tae_draws_previews_and_changes_nothing_else(
    clip: reel.Clip, tiny_tae: Path
) -> None:
    seen: List[reel.Preview] = []
    pipeline = reel.Pipeline(device="cpu", preview_decoder=tiny_tae)
    made = pipeline.generate(PROMPT, seed=7, on_preview=seen.append)
    assert made.frames_digest == clip.frames_digest
    plain: List[reel.Preview] = []
    reel.Pipeline(device="cpu").generate(PROMPT, seed=7, on_preview=plain.append)
    for with_tae, without in zip(step_pictures(seen), step_pictures(plain)):
        assert with_tae.shape == without.shape  # the demo model's clips are small as they are
        assert not numpy.array_equal(with_tae, without)


def test_a_preview_decoder_that_is_none_is_refused(tiny_model: Path) -> None:
    vae = next(tiny_model.rglob("*VAE*"))
    with pytest.raises(reel.NotFound, match="holds no TAE"):
        reel.Pipeline(device="cpu", preview_decoder=vae).generate(PROMPT)


def test_what_on_preview_raises_stops_the_run(demo: reel.Pipeline) -> None:
    def refuse(preview: reel.Preview) -> None:
        raise LookupError(preview.step)

    with pytest.raises(LookupError, match="1"):
        demo.generate(PROMPT, seed=1, on_preview=refuse)


def test_other_threads_run_meanwhile(demo: reel.Pipeline) -> None:
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    demo.generate(PROMPT, seed=7)
    seconds = time.monotonic() - start
    stop.set()
    thread.join()
    assert ticks > 20 * seconds


def test_one_clip_at_a_time(demo: reel.Pipeline) -> None:
    def progress(event: reel.ProgressEvent) -> None:
        with pytest.raises(reel.Busy):
            demo.generate(PROMPT)

    demo.generate(PROMPT, seed=1, progress=progress, **SHORT)


def test_warnings_name_the_line_of_the_caller(demo: reel.Pipeline) -> None:
    with pytest.warns(reel.ReelWarning, match="guidance 2") as caught:
        demo.generate(PROMPT, seed=1, guidance=2.0, **SHORT)
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_that_is_an_error_stops_the_run(demo: reel.Pipeline) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(reel.ReelWarning):
            demo.generate(PROMPT, guidance=2.0)


def test_loras_change_the_clip(tiny_model: Path, tiny_lora: Path) -> None:
    def digest(loras: object) -> str:
        pipeline = reel.Pipeline(tiny_model, device="cpu", loras=loras)
        return pipeline.generate("a ball", seed=1).frames_digest

    assert digest([]) == digest([(tiny_lora, 0.0)])
    assert len({digest([]), digest([tiny_lora]), digest([(tiny_lora, 0.5)])}) == 3
