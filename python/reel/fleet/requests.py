# SPDX-License-Identifier: Apache-2.0
"""What a client asks for, checked: the fields of ``reel serve``'s POST /v1/videos, with its words."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional

LONGEST_PROMPT_BYTES = 8192
LONGEST_SIDE_PX, MOST_PIXELS = 1920, 1920 * 1088
MOST_FRAMES, MOST_STEPS, MOST_SECONDS = 481, 100, 30
FRAMES_PER_SECOND = 16
_RANGES = {"width": (16, LONGEST_SIDE_PX), "height": (16, LONGEST_SIDE_PX), "frames": (1, MOST_FRAMES),
           "steps": (1, MOST_STEPS), "look_after": (1, MOST_STEPS), "fps": (1, 240)}
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class ApiError(Exception):
    """An answer that is no success, as ``reel serve`` words it."""

    def __init__(self, status: int, message: str, code: Optional[str] = None,
                 param: Optional[str] = None, retry_after_s: Optional[int] = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status
        self.message = message
        self.code = code
        self.param = param


@dataclass(frozen=True)
class ClipRequest:
    """One clip. ``sampling`` has the arguments of :meth:`reel.Stages.denoise`: what was asked for,
    and all of them once the model has filled the gaps. After ``look_after`` steps it is held."""

    prompt: str
    negative_prompt: str = ""
    fps: int = FRAMES_PER_SECOND
    sampling: Dict[str, Any] = field(default_factory=dict)
    look_after: Optional[int] = None

    def is_guided(self) -> bool:
        return bool(self.sampling.get("guidance", 1) != 1)


class _Fields:
    """The body's fields; each is taken once, and what is left at the end is unknown."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._left = dict(body)

    def take(self, name: str) -> Any:
        return self._left.pop(name, None)

    def text(self, name: str) -> Optional[str]:
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise _wrong(name, "must be a string.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _wrong(name, "is not UTF-8.") from None
        if "\0" in value:
            raise _wrong(name, "has a zero byte.")
        return value

    def number(self, name: str) -> Optional[float]:
        value = self.take(name)
        if value is None:
            return None
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            is_number = True
        try:
            number = float(value) if is_number else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _wrong(name, "must be a number.")
        return number

    def integer(self, name: str) -> Optional[int]:
        number = self.number(name)
        if number is None:
            return None
        if number != math.floor(number) or abs(number) > 2**31 - 1:
            raise _wrong(name, "must be a whole number.")
        return int(number)

    def seed(self, name: str) -> Optional[int]:
        value = self.take(name)
        if value is None:
            return None
        seed = -1
        if isinstance(value, int) and not isinstance(value, bool):
            seed = value
        elif isinstance(value, str) and re.fullmatch(r"\d{1,100}", value, re.ASCII):
            seed = int(value)
        if not 0 <= seed < 2**64:
            raise _wrong(name, "must be a whole number from 0 to 18446744073709551615.")
        return seed

    def finish(self) -> None:
        for name in sorted(self._left):
            raise ApiError(400, f'There is no field "{name}".', "unknown_parameter", name)


def _wrong(name: str, why: str) -> ApiError:
    return ApiError(400, f"{name} {why}", "invalid_value", name)


def _beyond(message: str) -> ApiError:
    return ApiError(400, message, "invalid_value")


def read_json(body: bytes) -> Mapping[str, Any]:
    """The object in the body. Raises ApiError."""
    try:
        fields = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not JSON.", "invalid_json") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "The body is not a JSON object.", "invalid_json")
    return fields


def _size(fields: _Fields) -> Dict[str, int]:
    text = fields.text("size")
    if text is None:
        return {}
    match = re.fullmatch(r"(-?\d{1,9})x(-?\d{1,9})", text, re.ASCII)
    if match is None:
        raise ApiError(400, f'size is "{text}"; WIDTHxHEIGHT is needed, as 832x480.',
                       "invalid_value", "size")
    return {"width": int(match[1]), "height": int(match[2])}


def _frames(fields: _Fields, fps: int) -> Optional[int]:
    frames, seconds = fields.integer("frames"), fields.number("seconds")
    if seconds is None:
        return frames
    if frames is not None:
        raise ApiError(400, "seconds and frames were both sent.", "invalid_value", "frames")
    if not 0 <= seconds <= MOST_SECONDS:
        raise _wrong("seconds", f"must be 0 to {MOST_SECONDS}.")
    return math.floor(seconds * fps + 0.5) + 1


def _check_limits(request: ClipRequest, fps: Optional[int]) -> None:
    for name, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
        size = len(text.encode())
        if size > LONGEST_PROMPT_BYTES:
            raise _beyond(f"{name} has {size} bytes; at most {LONGEST_PROMPT_BYTES} are possible.")
    given = {**request.sampling, "look_after": request.look_after, "fps": fps}
    for name in ("width", "height"):
        _check_range(name, given.get(name))
    width, height = given.get("width", 0), given.get("height", 0)
    if width * height > MOST_PIXELS:
        raise _beyond(f"size is {width}x{height}, {width * height} pixels; at most {MOST_PIXELS} "
                      "are possible.")
    for name in ("frames", "steps", "look_after", "fps"):
        _check_range(name, given.get(name))


def _check_range(name: str, value: Optional[int]) -> None:
    least, most = _RANGES[name]
    if value is not None and not least <= value <= most:
        raise _beyond(f"{name} is {value}; {least} to {most} are possible.")


def parse_request(body: Mapping[str, Any], model_name: str) -> ClipRequest:
    """Raises ApiError naming the field."""
    fields = _Fields(body)
    prompt = fields.text("prompt")
    if prompt is None:
        raise ApiError(400, "prompt is needed.", "missing_required_parameter", "prompt")
    model = fields.text("model")
    # What programs written for OpenAI's models name without being asked.
    if model is not None and model != model_name and not model.startswith("sora-2"):
        raise ApiError(400, f'The model here is "{model_name}", not "{model}".', "model_not_found",
                       "model")
    if fields.take("input_reference") is not None:
        raise ApiError(400, "input_reference was sent, but Reel makes video from text alone.",
                       "invalid_value", "input_reference")
    size = _size(fields)
    fps = fields.integer("fps")
    sampling: Dict[str, Any] = {
        **size,
        "frames": _frames(fields, FRAMES_PER_SECOND if fps is None else fps),
    }
    negative_prompt = fields.text("negative_prompt") or ""
    sampling["steps"] = fields.integer("steps")
    sampling["seed"] = fields.seed("seed")
    sampling["sampler"] = fields.text("sampler")
    sampling["shift"] = fields.number("shift")
    sampling["guidance"] = fields.number("guidance")
    look_after = fields.integer("look_after")
    fields.finish()
    request = ClipRequest(
        prompt=prompt,
        negative_prompt=negative_prompt,
        fps=FRAMES_PER_SECOND if fps is None else fps,
        sampling={name: value for name, value in sampling.items() if value is not None},
        look_after=look_after,
    )
    _check_limits(request, fps)
    return request
