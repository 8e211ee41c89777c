# SPDX-License-Identifier: Apache-2.0
"""Stages as a replica of a fleet runs them, with the demo model. No Ray."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, AsyncGenerator, Dict, List, Optional, Tuple

import pytest
import reel
from reel.fleet.model_check import ModelCheck
from reel.fleet.requests import ApiError, ClipRequest
from reel.fleet.stage_runs import Report, Reports, StageRuns

from conftest import PROMPT

SMALL = {"seed": 7, "frames": 5}
Stream = AsyncGenerator[Reports, None]


def told_by(stream: Stream) -> Tuple[List[Report], Any]:
    """All that is told, and what the stage makes."""

    async def read() -> List[Report]:
        return [report async for reports in stream for report in reports]

    *before, (kind, made) = asyncio.run(read())
    assert kind == "done"
    return before, made


@pytest.fixture(scope="module")
def runs() -> StageRuns:
    return StageRuns({"device": "cpu"})


@pytest.fixture(scope="module")
def request_() -> ClipRequest:
    return ModelCheck({}).complete(ClipRequest(PROMPT, sampling=SMALL))[0]


def sampling_of(**fields: Any) -> Dict[str, Any]:
    return ModelCheck({}).complete(ClipRequest(PROMPT, sampling={**SMALL, **fields}))[0].sampling


@pytest.fixture(scope="module")
def text(runs: StageRuns, request_: ClipRequest) -> bytes:
    made = told_by(runs.encode_text(request_))[1]
    assert isinstance(made, bytes)
    return made


def test_together_they_make_the_clip_of_a_pipeline(
    runs: StageRuns, request_: ClipRequest, text: bytes
) -> None:
    told, latents = told_by(runs.denoise(text, request_.sampling, None))
    assert [value[0] for kind, value in told if kind == "preview"] == [1, 2, 3, 4]
    _, (content, digest, recipe) = told_by(runs.decode(latents, 16))
    assert content[4:8] == b"ftyp"
    expected = reel.Pipeline(device="cpu").generate(PROMPT, **SMALL)
    assert digest == expected.frames_digest
    decided = {name: value for name, value in expected.recipe.items() if name != "measured"}
    assert json.loads(recipe) == decided


@pytest.mark.filterwarnings("ignore:The model was distilled")
@pytest.mark.parametrize("negative_prompt", ["", "blue"])
def test_guidance_is_that_of_a_pipeline(runs: StageRuns, negative_prompt: str) -> None:
    asked = ClipRequest(PROMPT, negative_prompt, sampling={**SMALL, "guidance": 3, "steps": 2})
    request = ModelCheck({}).complete(asked)[0]
    text = told_by(runs.encode_text(request))[1]
    latents = told_by(runs.denoise(text, request.sampling, None))[1]
    digest = told_by(runs.decode(latents, 16))[1][1]
    expected = reel.Pipeline(device="cpu").generate(
        PROMPT, negative_prompt=negative_prompt, guidance=3, steps=2, **SMALL)
    assert digest == expected.frames_digest


@pytest.mark.filterwarnings("ignore:The model was distilled")
@pytest.mark.parametrize("steps", [1, 3])
def test_a_held_run_goes_on_from_its_state(
    runs: StageRuns, text: bytes, steps: int
) -> None:
    sampling = sampling_of(steps=8)
    _, whole = told_by(runs.denoise(text, sampling, None))
    told, made = told_by(runs.denoise(text, sampling, None, steps))
    assert made is None
    assert told[-1][0] == "progress" and told[-1][1]["done"] >= steps
    previews = [value[0] for kind, value in told if kind == "preview"]
    assert previews[:steps] == list(range(1, steps + 1))
    state = [value for kind, value in told if kind == "state"][-1]
    rest, latents = told_by(runs.denoise(text, sampling, state))
    assert latents == whole
    assert [value[0] for kind, value in rest if kind == "preview"][-1] == 8


def test_a_run_that_is_looked_at_after_its_last_step_is_at_its_end(
    runs: StageRuns, request_: ClipRequest, text: bytes
) -> None:
    whole = told_by(runs.denoise(text, request_.sampling, None))[1]
    steps = request_.sampling["steps"]
    assert told_by(runs.denoise(text, request_.sampling, None, steps))[1] == whole


# Another size than that the model was trained at, another number of steps than it was distilled for.
@pytest.mark.filterwarnings("ignore:The model was")
def test_a_run_stops_when_nobody_listens(runs: StageRuns, text: bytes) -> None:
    sampling = sampling_of(width=256, height=256, steps=100)

    async def leave_early() -> float:
        stream = runs.denoise(text, sampling, None)
        async for _ in stream:
            break
        began = time.monotonic()
        await stream.aclose()
        return time.monotonic() - began

    assert asyncio.run(leave_early()) < 5  # all steps take far longer


def test_what_a_stage_raises_is_raised_here(runs: StageRuns) -> None:
    with pytest.raises(reel.BadFile):
        told_by(runs.decode(b"no latents", 16))


@pytest.mark.parametrize("look_after", [None, 1, 4])
def test_no_more_steps_are_looked_after_than_there_are(look_after: Optional[int]) -> None:
    check = ModelCheck({})
    asked = ClipRequest(PROMPT, sampling=SMALL, look_after=look_after)
    assert check.complete(asked)[0].look_after == look_after
    with pytest.raises(ApiError, match="look_after is 5; the clip has 4 steps."):
        check.complete(ClipRequest(PROMPT, sampling=SMALL, look_after=5))
