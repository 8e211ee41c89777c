# SPDX-License-Identifier: Apache-2.0
"""The clips of a fleet: what waits, what is being made, what is done."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List, Optional

from .model_check import TOLD
from .requests import ApiError, ClipRequest

QUEUED, IN_PROGRESS, COMPLETED, FAILED = "queued", "in_progress", "completed", "failed"
# Which part of a clip's time a stage is, roughly, in percent; 100 is for a clip that can be had.
_PERCENT = {"text": (0, 5), "denoise": (5, 80), "decode": (80, 99)}
_SHORTEST_PAUSE_S, _LONGEST_SILENCE_S = 0.2, 5

_log = logging.getLogger("ray.serve")  # whose lines Ray keeps


class FleetError(Exception):
    """A clip has failed for what a client cannot change, but may know; `code` names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Clip:
    """One clip, from the queue to its file."""

    request: ClipRequest
    id: str = field(default_factory=lambda: "video_" + secrets.token_hex(16))
    status: str = QUEUED
    created_at: float = field(default_factory=time.time)
    started_at: Optional[float] = None
    completed_at: Optional[float] = None
    phase: Optional[str] = None
    done: Optional[int] = None
    total: Optional[int] = None
    eta_s: Optional[float] = None
    percent: int = 0
    restarts: int = 0  # stages that were begun again, since their replica was lost
    previews: Dict[int, bytes] = field(default_factory=dict)  # PNG by step
    error: Optional[Dict[str, str]] = None
    content: Optional[bytes] = None
    frames_digest: Optional[str] = None
    is_deleted: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: Optional["asyncio.Task[None]"] = None

    def has_ended(self) -> bool:
        return self.status in (COMPLETED, FAILED)

    def tell(self) -> None:
        """That it is no longer as it was, to those who watch."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def wait_for_replica(self) -> None:
        """Its next stage has been asked for, and no replica has begun it."""
        self.phase, self.done, self.total, self.eta_s = "load", 0, 0, None
        self.tell()

    def show(self, phase: str, done: int, total: int, part: float, eta_s: Optional[float]) -> None:
        """How far a stage is."""
        least, most = _PERCENT.get(phase, (0, 0))
        share = min(1.0, (done + part) / max(1, total))
        self.phase, self.done, self.total, self.eta_s = phase, done, total, eta_s
        self.percent = max(self.percent, least + int((most - least) * share))
        self.tell()

    def end(self, status: str, error: Optional[Dict[str, str]] = None) -> None:
        self.status, self.error, self.completed_at = status, error, time.time()
        self.phase = self.done = self.total = self.eta_s = None
        self.tell()


def _error_of(error: Exception) -> Dict[str, str]:
    """What a client may know; the log has the rest."""
    if isinstance(error, FleetError):
        return {"code": error.code, "message": str(error)}
    words = {kind: code for kind, code in zip(TOLD, ("invalid argument", "out of memory",
                                                     "unsupported"))}
    if isinstance(error, TOLD):
        code = next(words[kind] for kind in TOLD if isinstance(error, kind))
        return {"code": code, "message": error.what}
    code = type(error).__name__
    return {"code": code, "message": f"The fleet could not make this clip ({code}); Ray's log of its "
                                     "interface says why."}


class Clips:
    """All clips.

    Args:
        make: makes a clip: sets its `content`, or raises. At most `most_begun` run at once, in the
            order in which the clips came.
        most_waiting: clips that may wait besides.
        most_kept: clips that have ended and are kept.
    """

    def __init__(self, make: Callable[[Clip], Awaitable[None]], most_begun: int,
                 most_waiting: int, most_kept: int) -> None:
        self._make = make
        self._most_begun = most_begun
        self._most_waiting = most_waiting
        self._most_kept = most_kept
        self._clips: Dict[str, Clip] = {}  # oldest first
        self._queue: List[Clip] = []
        self._begun: List[Clip] = []
        self._clip_s = 1.0  # what one took of late

    def add(self, request: ClipRequest) -> Clip:
        """Raises ApiError 429."""
        if self.is_full():
            raise ApiError(429, f"The queue is full: {len(self._queue)} clips are waiting.",
                           "queue_full", retry_after_s=self.retry_after_s())
        clip = Clip(request)
        self._clips[clip.id] = clip
        self._queue.append(clip)
        self._begin_next()
        return clip

    def find(self, clip_id: str) -> Clip:
        """Raises ApiError 404."""
        clip = self._clips.get(clip_id)
        if clip is None:
            raise ApiError(404, f'There is no video "{clip_id}".', "not_found", "video_id")
        return clip

    def oldest_first(self) -> List[Clip]:
        return list(self._clips.values())

    def ahead_of(self, clip: Clip) -> Optional[int]:
        """Clips that come before one that waits."""
        return len(self._begun) + self._queue.index(clip) if clip in self._queue else None

    def retry_after_s(self) -> int:
        """When a place in the queue is likely to be free."""
        return max(1, math.ceil(self._clip_s))

    def is_full(self) -> bool:
        return len(self._queue) >= self._most_waiting

    def count(self, status: str) -> int:
        return sum(clip.status == status for clip in self._clips.values())

    def remove(self, clip: Clip) -> None:
        """Stops it if need be."""
        del self._clips[clip.id]
        clip.is_deleted = True
        if clip in self._queue:
            self._queue.remove(clip)
        if clip.task is not None:
            clip.task.cancel()
        self._tell_waiting()
        clip.tell()

    async def changes(self, clip: Clip) -> AsyncIterator[bool]:
        """Whether something is new: at once, then at most five times a second, until the clip has
        ended or is deleted."""
        is_new = True
        while True:
            changed = clip.changed
            yield is_new
            if clip.has_ended() or clip.is_deleted:
                return
            await asyncio.sleep(_SHORTEST_PAUSE_S)
            try:
                await asyncio.wait_for(changed.wait(), _LONGEST_SILENCE_S)
                is_new = True
            except asyncio.TimeoutError:
                is_new = False

    def _begin_next(self) -> None:
        while self._queue and len(self._begun) < self._most_begun:
            clip = self._queue.pop(0)
            clip.status, clip.started_at = IN_PROGRESS, time.time()
            self._begun.append(clip)
            clip.task = asyncio.get_running_loop().create_task(self._run(clip))
            clip.tell()
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        for clip in self._queue:
            clip.tell()

    async def _run(self, clip: Clip) -> None:
        try:
            await self._make(clip)
            clip.end(COMPLETED)
            took_s = time.time() - (clip.started_at or clip.created_at)
            self._clip_s = 0.8 * self._clip_s + 0.2 * took_s / self._most_begun
        except asyncio.CancelledError:
            pass  # it is deleted, or the process ends
        except Exception as error:  # noqa: BLE001: whatever it is, the client must hear of it
            _log.warning("%s: %s: %s", clip.id, type(error).__name__, error)
            clip.end(FAILED, _error_of(error))
        finally:
            self._begun.remove(clip)
            self._begin_next()
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        ended = [clip for clip in self._clips.values() if clip.has_ended()]
        for clip in ended[: max(0, len(ended) - self._most_kept)]:
            del self._clips[clip.id]
