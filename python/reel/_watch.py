# SPDX-License-Identifier: Apache-2.0
"""What a run tells, as Python's warnings and log lines."""

from __future__ import annotations

import logging
import warnings
from typing import Callable, Optional

from ._reel import Preview, ProgressEvent
from ._words import in_python
from .errors import ReelWarning

_log = logging.getLogger("reel")

ProgressCallback = Callable[[ProgressEvent], object]
PreviewCallback = Callable[[Preview], object]


class Watcher:
    """Warnings become ``ReelWarning``, notes lines of the logger ``reel``.

    What is in ``said`` is not said again. ``level`` counts the calls between the user's line and the
    call into the library, so that a warning names the user's line.
    """

    def __init__(
        self,
        progress: Optional[ProgressCallback] = None,
        said: Optional[set[str]] = None,
        level: int = 2,
        on_preview: Optional[PreviewCallback] = None,
    ) -> None:
        self._progress = progress
        self._on_preview = on_preview
        self._said = said
        self._level = level

    def on_event(self, event: ProgressEvent) -> None:
        if self._progress is not None:
            self._progress(event)

    def on_preview(self, preview: Preview) -> None:
        if self._on_preview is not None:
            self._on_preview(preview)

    def on_warning(self, text: str) -> None:
        text = in_python(text)
        if self._is_new(text):
            warnings.warn(text, ReelWarning, stacklevel=self._level + 1)

    def on_note(self, text: str) -> None:
        text = in_python(text)
        if self._is_new(text):
            _log.info(text)

    def _is_new(self, text: str) -> bool:
        if self._said is None:
            return True
        is_new = text not in self._said
        self._said.add(text)
        return is_new
