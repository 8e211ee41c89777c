# SPDX-License-Identifier: Apache-2.0
"""Whether a model can make what is asked for, and what it fills the gaps with."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Tuple

from .. import _reel
from ..errors import InvalidArgument, OutOfMemory, Unsupported
from ..options import model_options, sampling_arguments, sampling_options
from .requests import ApiError, ClipRequest

# A client hears of these: they are about what it asked for. The rest is for who runs the fleet.
TOLD = (InvalidArgument, OutOfMemory, Unsupported)
_STATUS = {InvalidArgument: 400, OutOfMemory: 507, Unsupported: 501}


@contextmanager
def told_to_client() -> Iterator[None]:
    """Raises an ApiError in the place of what a client hears of."""
    try:
        yield
    except TOLD as error:
        raise ApiError(_STATUS[type(error)], error.what, "invalid_value") from None


class _Listener:
    """Keeps warnings, in the library's words."""

    def __init__(self) -> None:
        self.warnings: List[str] = []

    def on_event(self, _event: _reel.ProgressEvent) -> None: ...

    def on_warning(self, text: str) -> None:
        self.warnings.append(text)

    def on_note(self, _text: str) -> None: ...


class ModelCheck:
    """Reads the headers of the model's files, which must all be on this machine.

    Memory is not looked at: it is another machine's. A clip that does not fit there fails.

    Raises:
        reel.Error: the model cannot be used.
    """

    def __init__(self, model: Dict[str, Any]) -> None:
        anywhere = {name: value for name, value in model.items()
                    if name not in ("device", "precision", "vram_bytes", "ram_bytes", "threads")}
        self._model = model_options(**anywhere, device="cpu", ram_bytes=1 << 50)
        self.name = os.path.basename(os.path.normpath(os.fspath(model.get("model") or "reel-demo")))
        self._fill(ClipRequest("any"), _Listener())

    def complete(self, request: ClipRequest) -> Tuple[ClipRequest, List[str]]:
        """The request with every gap filled, and warnings. Raises ApiError."""
        listener = _Listener()
        with told_to_client():
            whole = replace(request, sampling=self._fill(request, listener))
        steps = whole.sampling["steps"]
        if request.look_after is not None and request.look_after > steps:
            raise ApiError(400, f"look_after is {request.look_after}; the clip has {steps} steps.",
                           "invalid_value")
        return whole, listener.warnings

    def _fill(self, request: ClipRequest, listener: _Listener) -> Dict[str, Any]:
        asked = _reel.VideoRequest()
        asked.prompt = request.prompt
        asked.negative_prompt = request.negative_prompt
        asked.frames_only = True
        asked.fps = request.fps
        asked.sampling = sampling_options(**request.sampling)
        filled = _reel.Engine(self._model).check(asked, listener)
        return sampling_arguments(filled.sampling)
