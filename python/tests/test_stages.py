# SPDX-License-Identifier: Apache-2.0
"""reel.Stages with the demo model: the same clip as in one go, also after a stop."""

from __future__ import annotations

from pathlib import Path

import pytest
import reel

from conftest import PROMPT

SHORT = {"seed": 7, "frames": 5}


@pytest.fixture(scope="module")
def stages() -> reel.Stages:
    return reel.Stages(device="cpu")


@pytest.fixture(scope="module")
def text(stages: reel.Stages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stages") / "text.safetensors"
    assert stages.encode_text(PROMPT, path)["seconds"] > 0
    return path


class Stopped(Exception):
    pass


def test_together_they_make_the_clip_of_a_pipeline(
    stages: reel.Stages, text: Path, tmp_path: Path
) -> None:
    stages.denoise(text, tmp_path / "latents.safetensors", **SHORT)
    report = stages.decode(tmp_path / "latents.safetensors", tmp_path / "clip.y4m")
    whole = reel.Pipeline(device="cpu").generate(PROMPT, out=tmp_path / "whole.y4m", **SHORT)

    assert (tmp_path / "clip.y4m").read_bytes() == (tmp_path / "whole.y4m").read_bytes()
    assert [stage["stage"] for stage in report["stages"]] == ["decode"]
    assert report["frames_digest"] == whole.frames_digest


def test_a_preview_is_there_when_its_step_is_told(
    stages: reel.Stages, text: Path, tmp_path: Path
) -> None:
    previews = tmp_path / "previews"

    def look(event: reel.ProgressEvent) -> None:
        for step in range(1, event.done + 1):
            assert (previews / f"step-{step}.png").read_bytes().startswith(b"\x89PNG")

    stages.denoise(text, tmp_path / "latents.safetensors", previews=previews, progress=look, **SHORT)
    assert len(list(previews.iterdir())) == 4


def test_denoising_goes_on_from_its_state(
    stages: reel.Stages, text: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.safetensors"
    steps_when_stopped = []

    def stop_after_two_steps(event: reel.ProgressEvent) -> None:
        if event.done == 2:
            steps_when_stopped.append(state.exists())
            raise Stopped

    with pytest.raises(Stopped):
        stages.denoise(text, tmp_path / "stopped.safetensors", state=state,
                       progress=stop_after_two_steps, **SHORT)
    assert steps_when_stopped == [True]
    assert not (tmp_path / "stopped.safetensors").exists()

    seen = []
    stages.denoise(text, tmp_path / "rest.safetensors", state=state,
                   progress=lambda event: seen.append(event.done), **SHORT)
    stages.denoise(text, tmp_path / "whole.safetensors", **SHORT)

    assert min(seen) == 2
    assert not state.exists()
    rest, whole = tmp_path / "rest.safetensors", tmp_path / "whole.safetensors"
    assert rest.read_bytes() == whole.read_bytes()


def test_a_state_of_another_seed_is_refused(
    stages: reel.Stages, text: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.safetensors"

    def stop(event: reel.ProgressEvent) -> None:
        if event.done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        stages.denoise(text, tmp_path / "latents.safetensors", state=state, progress=stop, **SHORT)
    with pytest.raises(reel.BadFile, match="other settings"):
        stages.denoise(text, tmp_path / "latents.safetensors", state=state, seed=8, frames=5)
