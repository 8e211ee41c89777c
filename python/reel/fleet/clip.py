# SPDX-License-Identifier: Apache-2.0
"""One clip of a fleet, from the queue to its file."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Dict, Optional

from .model_check import TOLD
from .requests import ClipRequest

QUEUED, IN_PROGRESS, COMPLETED, FAILED = "queued", "in_progress", "completed", "failed"
# States that OpenAI's interface does not know: such clips are "queued" and "failed" there.
HELD, CANCELLED = "held", "cancelled"
# Which part of a clip's time a stage is, roughly, in percent; 100 is for a clip that can be had.
_PERCENT = {"text": (0, 5), "denoise": (5, 80), "decode": (80, 99)}


class FleetError(Exception):
    """A clip has failed for what a client cannot change, but may know; `code` names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Made:
    """What the stages have made of a clip: files of :class:`reel.Stages`."""

    text: Optional[bytes] = None
    state: Optional[bytes] = None  # after a step of denoising
    latents: Optional[bytes] = None


@dataclass(eq=False)  # one is no other, whatever it is like
class Clip:
    """One clip.

    Attributes:
        client: whose key asked for it.
        look_after: steps after which it is held; None: it is made to its end.
        spent_s: how long it was made before it was held.
        restarts: stages that were begun again, since their replica was lost.
        previews: PNG by step.
    """

    request: ClipRequest
    client: str = ""
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
    look_after: Optional[int] = None
    is_held: bool = False
    spent_s: float = 0
    restarts: int = 0
    made: Made = field(default_factory=Made)
    previews: Dict[int, bytes] = field(default_factory=dict)
    error: Optional[Dict[str, str]] = None
    content: Optional[bytes] = None
    frames_digest: Optional[str] = None
    recipe: str = ""
    is_deleted: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: Optional["asyncio.Task[None]"] = None

    def has_ended(self) -> bool:
        return self.status in (COMPLETED, FAILED)

    def state(self) -> str:
        """Its status, or what OpenAI's interface does not know."""
        if self.is_held:
            return HELD
        is_cancelled = self.error is not None and self.error["code"] == CANCELLED
        return CANCELLED if is_cancelled else self.status

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

    def hold(self) -> None:
        """Until somebody continues it."""
        self.spent_s += time.time() - (self.started_at or self.created_at)
        self.status, self.is_held, self.percent = QUEUED, True, 0
        self._rest()

    def end(self, status: str, error: Optional[Dict[str, str]] = None) -> None:
        self.status, self.error, self.completed_at = status, error, time.time()
        self.is_held, self.made = False, Made()
        self._rest()

    def _rest(self) -> None:
        self.phase = self.done = self.total = self.eta_s = None
        self.tell()


def error_of(error: Exception) -> Dict[str, str]:
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
