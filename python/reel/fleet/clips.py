# SPDX-License-Identifier: Apache-2.0
"""The clips of a fleet: what waits, what is being made, what is held, what is done."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import AsyncIterator, Awaitable, Callable, Dict, List, Optional

from .clip import CANCELLED, COMPLETED, FAILED, IN_PROGRESS, Clip, error_of
from .fair_queue import FairQueue
from .requests import ApiError, ClipRequest

_SHORTEST_PAUSE_S, _LONGEST_SILENCE_S = 0.2, 5

_log = logging.getLogger("ray.serve")  # whose lines Ray keeps


class Clips:
    """All clips.

    Args:
        make: makes a clip: sets its `content` and returns True, returns False when it is to be
            held, or raises. At most `most_begun` run at once; clients take turns.
        most_waiting: clips that may wait besides, and as many more that are held.
        most_kept: clips that have ended and are kept.
    """

    def __init__(self, make: Callable[[Clip], Awaitable[bool]], most_begun: int,
                 most_waiting: int, most_kept: int) -> None:
        self._make = make
        self._most_begun = most_begun
        self._most_waiting = most_waiting
        self._most_kept = most_kept
        self._clips: Dict[str, Clip] = {}  # oldest first
        self._queue = FairQueue()
        self._begun: List[Clip] = []
        self._held: List[Clip] = []  # in the order in which they came to be
        self._clip_s = 1.0  # what one took of late

    def add(self, request: ClipRequest, client: str = "") -> Clip:
        """Raises ApiError 429."""
        self._require_room()
        clip = Clip(request, client, look_after=request.look_after)
        self._clips[clip.id] = clip
        self._queue.push(clip)
        self._begin_next()
        return clip

    def go_on(self, clip: Clip) -> None:
        """Queues one that is held, to be made to its end. Raises ApiError 409 for another, and
        429."""
        if not clip.is_held:
            raise ApiError(409, f"The video is {clip.state()}, not held.", "video_not_held")
        self._require_room()
        self._held.remove(clip)
        clip.is_held, clip.look_after = False, None
        self._queue.push(clip)
        clip.tell()
        self._begin_next()

    def _require_room(self) -> None:
        if self.is_full():
            raise ApiError(429, f"The queue is full: {len(self._queue)} clips are waiting.",
                           "queue_full", retry_after_s=self.retry_after_s())

    def find(self, clip_id: str, client: str = "") -> Clip:
        """Raises ApiError 404.

        Args:
            client: whose clips are seen; empty: everybody's.
        """
        clip = self._clips.get(clip_id)
        if clip is None or client not in ("", clip.client):
            raise ApiError(404, f'There is no video "{clip_id}".', "not_found", "video_id")
        return clip

    def oldest_first(self, client: str = "") -> List[Clip]:
        """Those that `client` sees."""
        return [clip for clip in self._clips.values() if client in ("", clip.client)]

    def ahead_of(self, clip: Clip) -> Optional[int]:
        """Clips that come before one that waits."""
        order = self._queue.order()
        return len(self._begun) + order.index(clip) if clip in order else None

    def retry_after_s(self) -> int:
        """When a place in the queue is likely to be free."""
        return max(1, math.ceil(self._clip_s))

    def is_full(self) -> bool:
        return len(self._queue) >= self._most_waiting

    def count(self, state: str) -> int:
        return sum(clip.state() == state for clip in self._clips.values())

    def remove(self, clip: Clip) -> None:
        """Stops it if need be."""
        del self._clips[clip.id]
        clip.is_deleted = True
        self._queue.remove(clip)
        if clip in self._held:
            self._held.remove(clip)
        if clip.task is not None:
            clip.task.cancel()
        self._tell_waiting()
        clip.tell()

    async def changes(self, clip: Clip) -> AsyncIterator[bool]:
        """Whether something is new: at once, then at most five times a second, until the clip has
        ended, is held or is deleted."""
        is_new = True
        while True:
            changed = clip.changed
            yield is_new
            if clip.has_ended() or clip.is_held or clip.is_deleted:
                return
            await asyncio.sleep(_SHORTEST_PAUSE_S)
            try:
                await asyncio.wait_for(changed.wait(), _LONGEST_SILENCE_S)
                is_new = True
            except asyncio.TimeoutError:
                is_new = False

    def _begin_next(self) -> None:
        while self._queue and len(self._begun) < self._most_begun:
            clip = self._queue.pop()
            clip.status, clip.started_at = IN_PROGRESS, time.time()
            self._begun.append(clip)
            clip.task = asyncio.get_running_loop().create_task(self._run(clip))
            clip.tell()
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        for clip in self._queue.order():
            clip.tell()

    async def _run(self, clip: Clip) -> None:
        try:
            if not await self._make(clip):
                self._hold(clip)
                return
            clip.end(COMPLETED)
            took_s = time.time() - (clip.started_at or clip.created_at)
            self._clip_s = 0.8 * self._clip_s + 0.2 * took_s / self._most_begun
        except asyncio.CancelledError:
            pass  # it is deleted, or the process ends
        except Exception as error:  # noqa: BLE001: whatever it is, the client must hear of it
            _log.warning("%s: %s: %s", clip.id, type(error).__name__, error)
            clip.end(FAILED, error_of(error))
        finally:
            self._begun.remove(clip)
            self._begin_next()
            self._drop_oldest()

    def _hold(self, clip: Clip) -> None:
        clip.hold()
        self._held.append(clip)
        while len(self._held) > self._most_waiting:
            self._held.pop(0).end(FAILED, {
                "code": CANCELLED,
                "message": "The clip was held after its first steps, and others took its place."})

    def _drop_oldest(self) -> None:
        ended = [clip for clip in self._clips.values() if clip.has_ended()]
        for clip in ended[: max(0, len(ended) - self._most_kept)]:
            del self._clips[clip.id]
