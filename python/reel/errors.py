# SPDX-License-Identifier: Apache-2.0
"""What Reel raises: one class for each kind of trouble, each also the built-in one for it."""

from __future__ import annotations

from typing import Optional

from ._words import in_python, job_of


class ReelWarning(UserWarning):
    """It worked, but not as asked."""


class Error(Exception):
    """Any error of Reel. ``str()`` is what happened and what to do about it.

    Attributes:
        what: the sentence that says what happened.
        hint: the sentence that says what to do; may be empty.
        job_id: of the job that was stopped, for :func:`reel.resume`; None when it saved nothing.
    """

    job_id: Optional[str] = None

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(f"{what} {hint}".strip())
        self.what = what
        self.hint = hint

    def __str__(self) -> str:  # that of OSError shows no sentence
        return f"{self.what} {self.hint}".strip()


class InvalidArgument(Error, ValueError):
    """Something else must be passed."""


class NotFound(Error, FileNotFoundError):
    """A file, model, device or tensor is missing."""


class BadFile(Error):
    """A file is there, but its bytes are wrong, cut short or of no known kind."""


class OutOfMemory(Error, MemoryError):
    """The clip does not fit. The hint names what would."""


class Unsupported(Error, NotImplementedError):
    """Known, but this build or device cannot do it."""


class DeviceFailure(Error, RuntimeError):
    """The GPU's driver or a kernel reported an error."""


class WriteFailure(Error, OSError):
    """The disk is full, or an output cannot be written."""


class NetworkFailure(Error, ConnectionError):
    """A hub or server cannot be reached, or broke off."""


class Busy(Error):
    """Another run is going on; the same call may pass later."""


class Cancelled(Error):
    """The caller asked to stop."""


class WrongOrder(Error, RuntimeError):
    """A method was called before, or after, the one it belongs with."""


class InternalError(Error, RuntimeError):
    """A bug in Reel."""


_CLASSES: dict[str, type[Error]] = {
    "invalid argument": InvalidArgument,
    "not found": NotFound,
    "bad file": BadFile,
    "out of memory": OutOfMemory,
    "unsupported": Unsupported,
    "device failure": DeviceFailure,
    "input/output": WriteFailure,
    "network": NetworkFailure,
    "busy": Busy,
    "cancelled": Cancelled,
}


def make(code: str, what: str, hint: str) -> Error:
    """The exception for an error code of the library."""
    report = "This is a bug in Reel: report it with the output of `reel doctor`."
    kind = _CLASSES.get(code, InternalError)
    said = in_python(hint) if code in _CLASSES else f"{in_python(hint)} {report}".strip()
    error = kind(in_python(what), said)
    error.job_id = job_of(hint)
    return error
