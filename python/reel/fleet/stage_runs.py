# SPDX-License-Identifier: Apache-2.0
"""A stage as a replica runs it: bytes in, reports out, files between them in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, AsyncGenerator, Callable, Dict, List, Optional, Tuple

import reel

from .. import _reel
from .model_check import ModelCheck
from .requests import ClipRequest

# ("progress", {...}), ("preview", (step, PNG)), ("state", bytes) and at the end
# ("done", what the stage makes).
Report = Tuple[str, Any]
# What has come together since the last: each is a message to another machine.
Reports = List[Report]
# Between two reports of progress, or of steps with their states: what a lost replica may cost, and
# less than it takes to begin again. Each report costs the machines that it passes 2 ms.
_SHORTEST_PAUSE_S = 0.5


class _Abandoned(Exception):
    """Whoever asked for the stage no longer listens."""


class _LookedAt(Exception):
    """So many steps are taken as the clip is to be held after, and its state was told."""


class _Pace:
    """Says when enough time has passed since it last said so, or since the beginning."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._at + _SHORTEST_PAUSE_S:
            return False
        self._at = now
        return True


class _Teller:
    """Carries reports from the thread that works to the loop that reads them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._reports: Reports = []
        self._are_there = asyncio.Event()
        self._pace = _Pace()
        self.is_abandoned = threading.Event()

    def tell(self, *reports: Report) -> None:
        """From the thread that works."""
        if not reports:
            return
        with self._lock:
            are_first = not self._reports
            self._reports += reports
        if are_first:  # else the loop has been woken, and has not looked yet
            self._loop.call_soon_threadsafe(self._are_there.set)

    def tell_progress(self, event: reel.ProgressEvent) -> None:
        """If it is time for it. Raises _Abandoned."""
        self.check()
        if self._pace.is_due():
            self.tell(progress_report(event))

    def check(self) -> None:
        """Raises _Abandoned."""
        if self.is_abandoned.is_set():
            raise _Abandoned

    async def take(self) -> Reports:
        """What was told since the last time; waits for something."""
        await self._are_there.wait()
        self._are_there.clear()
        with self._lock:
            reports, self._reports = self._reports, []
        return reports


def progress_report(event: reel.ProgressEvent) -> Report:
    return "progress", {
        "phase": event.stage,
        "done": event.done,
        "total": event.total,
        "part": event.part,
        "remaining_s": event.remaining_seconds,
    }


async def _reports(work: Callable[[_Teller], Any]) -> AsyncGenerator[Reports, None]:
    """What `work` tells, as it tells it, and what it returns, from a thread of its own. When the
    reader stops, the work meets _Abandoned at its next report, and is waited for."""
    teller = _Teller()

    def run() -> None:
        try:
            last: Report = ("done", work(teller))
        except BaseException as error:  # noqa: BLE001: it is raised where the reports are read
            last = ("error", error)
        teller.tell(last)

    running = asyncio.get_running_loop().run_in_executor(None, run)
    try:
        while True:
            reports = await teller.take()
            kind, value = reports[-1]
            if kind == "error":
                raise value
            yield reports
            if kind == "done":
                return
    finally:
        teller.is_abandoned.set()
        await running


class _Steps:
    """Tells of the steps of a run, each with its preview and its state.

    Args:
        look_after: steps that are told however soon they come.
    """

    def __init__(self, state: Path, previews: Path, teller: _Teller,
                 look_after: Optional[int]) -> None:
        self._state = state
        self._previews = previews
        self._teller = teller
        self._look_after = look_after
        self._pace = _Pace()
        self._told = 0

    def progress(self, event: reel.ProgressEvent) -> None:
        """Raises _Abandoned, and _LookedAt once the state after `look_after` steps was told."""
        if event.stage != "denoise" or event.done == self._told:
            self._teller.tell_progress(event)
            return
        self._teller.check()
        is_last = self._look_after is not None and event.done >= self._look_after
        if not is_last and not self._pace.is_due():
            return  # it is told with what comes next
        self._told = event.done
        state = self.state()
        # Previews first, so that a run that goes on from the state has all before it.
        self._teller.tell(*self.new_previews(), *state, progress_report(event))
        if is_last and state and event.done < event.total:
            raise _LookedAt

    def state(self) -> Reports:
        """The run is not waiting: a later one is as good, and the last step's is removed."""
        try:
            return [("state", self._state.read_bytes())]
        except FileNotFoundError:
            return []

    def new_previews(self) -> Reports:
        """In their order; each once."""
        files = {int(file.stem[len("step-"):]): file for file in self._previews.glob("step-*.png")}
        reports: Reports = []
        for step in sorted(files):
            reports.append(("preview", (step, files[step].read_bytes())))
            files[step].unlink()
        return reports


class StageRuns:
    """The stages of one model on this machine.

    Args:
        options: those of :class:`reel.Stages`.

    Raises:
        reel.Error: the model is not on this machine, or is none.
    """

    def __init__(self, options: Dict[str, Any]) -> None:
        ModelCheck(options)
        self._stages = reel.Stages(**options)

    def encode_text(self, request: ClipRequest) -> AsyncGenerator[Reports, None]:
        """Progress, then the text states' file."""

        def work(teller: _Teller) -> bytes:
            with tempfile.TemporaryDirectory(prefix="reel-fleet-") as folder:
                out = Path(folder) / "text.safetensors"
                self._stages.encode_text(
                    request.prompt,
                    out,
                    negative_prompt=request.negative_prompt if request.is_guided() else None,
                    progress=teller.tell_progress,
                )
                return out.read_bytes()

        return _reports(work)

    def denoise(
        self, text: bytes, sampling: Dict[str, Any], state: Optional[bytes],
        look_after: Optional[int] = None,
    ) -> AsyncGenerator[Reports, None]:
        """Progress, preview and state after every step, then the latents' file.

        Args:
            state: the last that was told by a run that did not get to its end.
            look_after: steps, after which None is told in the place of the latents; where these are
                all, or the run was at its end before it could be stopped, the latents.
        """

        def work(teller: _Teller) -> Optional[bytes]:
            with tempfile.TemporaryDirectory(prefix="reel-fleet-") as name:
                folder = Path(name)
                text_file, latents = folder / "text.safetensors", folder / "latents.safetensors"
                state_file, previews = folder / "state.safetensors", folder / "previews"
                text_file.write_bytes(text)
                if state is not None:
                    state_file.write_bytes(state)
                steps = _Steps(state_file, previews, teller, look_after)
                try:
                    self._stages.denoise(text_file, latents, state=state_file, previews=previews,
                                         progress=steps.progress, **sampling)
                except _LookedAt:
                    return None
                made = latents.read_bytes()
                teller.tell(*steps.new_previews())
                return made

        return _reports(work)

    def decode(self, latents: bytes, fps: int) -> AsyncGenerator[Reports, None]:
        """Progress, then the MP4, its frames' digest and its recipe."""

        def work(teller: _Teller) -> Tuple[bytes, str, str]:
            with tempfile.TemporaryDirectory(prefix="reel-fleet-") as folder:
                source, clip = Path(folder) / "latents.safetensors", Path(folder) / "clip.mp4"
                source.write_bytes(latents)
                report = self._stages.decode(source, clip, fps=fps, progress=teller.tell_progress)
                recipe = _reel.read_recipe(os.fsencode(clip))
                return clip.read_bytes(), report["frames_digest"], recipe

        return _reports(work)
