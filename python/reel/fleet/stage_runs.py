# SPDX-License-Identifier: Apache-2.0
"""A stage as a replica runs it: bytes in, reports out, files between them in a folder of its own."""

from __future__ import annotations

import asyncio
import math
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, AsyncGenerator, Callable, Dict, Optional, Tuple

import reel

from .model_check import ModelCheck
from .requests import ClipRequest

# ("progress", {...}), ("preview", (step, PNG)), ("state", bytes) and at the end
# ("done", what the stage makes).
Report = Tuple[str, Any]
Tell = Callable[[Report], None]
# Between two reports of progress, each a message to another machine. Clients hear no more often.
_SHORTEST_PAUSE_S = 0.2


class Abandoned(Exception):
    """Whoever asked for the stage no longer listens."""


class _LookedAt(Exception):
    """So many steps are taken as the clip is to be held after, and its state was told."""


def _as_dict(event: reel.ProgressEvent) -> Dict[str, Any]:
    return {
        "phase": event.stage,
        "done": event.done,
        "total": event.total,
        "part": event.part,
        "remaining_s": event.remaining_seconds,
    }


async def _reports(work: Callable[[Tell], Any]) -> AsyncGenerator[Report, None]:
    """What `work` tells, as it tells it, and what it returns, from a thread of its own. When the
    reader stops, the work meets Abandoned at its next report, and is waited for."""
    loop = asyncio.get_running_loop()
    reports: "asyncio.Queue[Report]" = asyncio.Queue()
    is_abandoned = threading.Event()
    progress_at = -math.inf

    def tell(report: Report) -> None:
        nonlocal progress_at
        if is_abandoned.is_set():
            raise Abandoned
        if report[0] == "progress":
            if time.monotonic() < progress_at + _SHORTEST_PAUSE_S:
                return
            progress_at = time.monotonic()
        loop.call_soon_threadsafe(reports.put_nowait, report)

    def run() -> None:
        try:
            last: Report = ("done", work(tell))
        except BaseException as error:  # noqa: BLE001: it is raised where the reports are read
            last = ("error", error)
        loop.call_soon_threadsafe(reports.put_nowait, last)

    running = loop.run_in_executor(None, run)
    try:
        while True:
            kind, value = await reports.get()
            if kind == "error":
                raise value
            yield kind, value
            if kind == "done":
                return
    finally:
        is_abandoned.set()
        await running


class _NewFiles:
    """Tells of the state and the previews of a run as they appear.

    Attributes:
        told_steps: that the state which was told last has taken.
    """

    def __init__(self, state: Path, previews: Path, tell: Tell) -> None:
        self._state = state
        self._previews = previews
        self._tell = tell
        self._steps = self.told_steps = 0

    def look(self, event: reel.ProgressEvent) -> None:
        if event.stage != "denoise" or event.done == self._steps:
            return
        self._steps = event.done
        # First, so that a run that goes on from the state has all previews before it.
        self.tell_previews()
        # The run is not waiting: a later state is as good, and the last step's is removed.
        try:
            self._tell(("state", self._state.read_bytes()))
            self.told_steps = event.done
        except FileNotFoundError:
            pass

    def tell_previews(self) -> None:
        files = {int(file.stem[len("step-"):]): file for file in self._previews.glob("step-*.png")}
        for step in sorted(files):
            self._tell(("preview", (step, files[step].read_bytes())))
            files[step].unlink()


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

    def encode_text(self, request: ClipRequest) -> AsyncGenerator[Report, None]:
        """Progress, then the text states' file."""

        def work(tell: Tell) -> bytes:
            with tempfile.TemporaryDirectory(prefix="reel-fleet-") as folder:
                out = Path(folder) / "text.safetensors"
                self._stages.encode_text(
                    request.prompt,
                    out,
                    negative_prompt=request.negative_prompt if request.is_guided() else None,
                    progress=lambda event: tell(("progress", _as_dict(event))),
                )
                return out.read_bytes()

        return _reports(work)

    def denoise(
        self, text: bytes, sampling: Dict[str, Any], state: Optional[bytes],
        look_after: Optional[int] = None,
    ) -> AsyncGenerator[Report, None]:
        """Progress, preview and state after every step, then the latents' file.

        Args:
            state: the last that was told by a run that did not get to its end.
            look_after: steps, after which None is told in the place of the latents. A run that is
                at its end by then tells the latents.
        """

        def work(tell: Tell) -> Optional[bytes]:
            with tempfile.TemporaryDirectory(prefix="reel-fleet-") as name:
                folder = Path(name)
                text_file, latents = folder / "text.safetensors", folder / "latents.safetensors"
                state_file, previews = folder / "state.safetensors", folder / "previews"
                text_file.write_bytes(text)
                if state is not None:
                    state_file.write_bytes(state)
                new_files = _NewFiles(state_file, previews, tell)

                def progress(event: reel.ProgressEvent) -> None:
                    new_files.look(event)
                    tell(("progress", _as_dict(event)))
                    if look_after is not None and new_files.told_steps >= look_after:
                        raise _LookedAt

                try:
                    self._stages.denoise(text_file, latents, state=state_file, previews=previews,
                                         progress=progress, **sampling)
                except _LookedAt:
                    return None
                new_files.tell_previews()
                return latents.read_bytes()

        return _reports(work)

    def decode(self, latents: bytes, fps: int) -> AsyncGenerator[Report, None]:
        """Progress, then the MP4 and its frames' digest."""

        def work(tell: Tell) -> Tuple[bytes, str]:
            with tempfile.TemporaryDirectory(prefix="reel-fleet-") as folder:
                source, clip = Path(folder) / "latents.safetensors", Path(folder) / "clip.mp4"
                source.write_bytes(latents)
                report = self._stages.decode(
                    source, clip, fps=fps, progress=lambda event: tell(("progress", _as_dict(event)))
                )
                return clip.read_bytes(), report["frames_digest"]

        return _reports(work)
