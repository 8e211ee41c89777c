# SPDX-License-Identifier: Apache-2.0
"""Reel turns a sentence into a short video.

    import reel

    clip = reel.Pipeline().generate("a red ball bounces on a meadow")
    clip.frames  # [N, H, W, 3] uint8

The model that is opened without a name is the built-in demo model, which knows simple shapes that
move. ``reel.lightx2v`` has the interface of LightX2V.
"""

from __future__ import annotations

import os


def _load() -> None:
    """Loads the module with idle OpenMP threads asleep, as the program does.

    OpenMP's library reads the variable once, when it is loaded.
    """
    name = "OMP_WAIT_POLICY"
    absent = name not in os.environ
    if absent:
        os.environ[name] = "passive"
    try:
        from . import _reel  # noqa: F401
    finally:
        if absent:
            del os.environ[name]


_load()

from ._reel import Preview, ProgressEvent, build_summary, version as __version__
from .errors import (
    BadFile,
    Busy,
    Cancelled,
    DeviceFailure,
    Error,
    InternalError,
    InvalidArgument,
    NetworkFailure,
    NotFound,
    OutOfMemory,
    ReelWarning,
    Unsupported,
    WriteFailure,
    WrongOrder,
)
from .pipeline import Clip, Pipeline, resume
from .stages import Stages

__all__ = [
    "BadFile",
    "Busy",
    "Cancelled",
    "Clip",
    "DeviceFailure",
    "Error",
    "InternalError",
    "InvalidArgument",
    "NetworkFailure",
    "NotFound",
    "OutOfMemory",
    "Pipeline",
    "Preview",
    "ProgressEvent",
    "ReelWarning",
    "Stages",
    "Unsupported",
    "WriteFailure",
    "WrongOrder",
    "__version__",
    "build_summary",
    "resume",
]
