# SPDX-License-Identifier: Apache-2.0
"""What a clip would need, and what the model is made for, as ``reel serve`` tells them."""

from __future__ import annotations

from typing import Any, Dict

from .. import _reel
from ..options import model_options, sampling_options
from .model_check import told_to_client
from .requests import (
    FRAMES_PER_SECOND,
    LONGEST_PROMPT_BYTES,
    LONGEST_SIDE_PX,
    MOST_FRAMES,
    MOST_PIXELS,
    MOST_STEPS,
    ClipRequest,
)
from .video_json import seconds_text


def _size(width: int, height: int) -> str:
    return f"{width}x{height}"


def _change(change: _reel.PlanChange) -> Dict[str, Any]:
    return {
        "text": change.text,
        "frames": change.frames,
        "size": None if change.size is None else _size(*change.size),
        "gpu_bytes": change.card_bytes,
    }


class Plans:
    """Of one model, for the GPU of this machine. Reads the headers of the model's files for each.

    Args:
        model: the arguments of :class:`reel.Stages` as a denoiser has them.
        name: of the model.
    """

    def __init__(self, model: Dict[str, Any], name: str) -> None:
        self._model = model_options(**model)
        self._name = name

    def _make(self, request: ClipRequest) -> _reel.Plan:
        with told_to_client():
            return _reel.make_plan(self._model, sampling_options(**request.sampling),
                                   request.prompt, request.negative_prompt)

    def plan(self, request: ClipRequest) -> Dict[str, Any]:
        """The plan object. Raises ApiError."""
        plan = self._make(request)
        return {
            "object": "plan",
            "fits": plan.fits,
            "refusal": None if plan.fits else plan.refusal,
            "nearest": [_change(change) for change in plan.changes],
            "size": _size(plan.width_px, plan.height_px),
            "frames": plan.frames,
            "fps": request.fps,
            "seconds": seconds_text(plan.frames, request.fps),
            "steps": plan.steps,
            "guided": plan.guided,
            "gpu": {"name": plan.gpu, "is_here": plan.is_gpu_here, "bytes": plan.card_bytes},
            "gpu_bytes": plan.context_bytes + plan.arena_bytes,
            "host_bytes": plan.host_bytes,
            "predicted_seconds": plan.total_s if plan.fits else None,
            "measured": not plan.is_assumed,
            "warnings": plan.warnings,
            "notes": plan.notes,
        }

    def model(self) -> Dict[str, Any]:
        """The model object. Raises ApiError."""
        usual = self._make(ClipRequest(""))
        return {
            "id": self._name,
            "object": "model",
            "created": 0,
            "owned_by": "reel",
            "sizes": [_size(*size) for size in usual.trained_sizes],
            "frames": usual.frames,
            "fps": FRAMES_PER_SECOND,
            "steps": usual.steps,
            "guided": usual.guided,
            "limits": {
                "side": LONGEST_SIDE_PX,
                "pixels": MOST_PIXELS,
                "frames": MOST_FRAMES,
                "steps": MOST_STEPS,
                "prompt_bytes": LONGEST_PROMPT_BYTES,
            },
        }
