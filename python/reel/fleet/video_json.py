# SPDX-License-Identifier: Apache-2.0
"""The objects that clients see, with the fields of ``reel serve``."""

from __future__ import annotations

from typing import Any, Dict, Optional

from .clip import COMPLETED, QUEUED, Clip


def seconds_text(frames: int, fps: int) -> str:
    """How long a clip is, as OpenAI's interface has it."""
    return f"{(frames - 1) / fps:.6f}".rstrip("0").rstrip(".")


def video_json(clip: Clip, model: str, ahead: Optional[int]) -> Dict[str, Any]:
    """The video object of OpenAI's interface, Reel's fields, and `restarts`.

    Args:
        ahead: clips that come before it, while it waits.
    """
    sampling = clip.request.sampling
    took_s = None
    if clip.status == COMPLETED and clip.completed_at and clip.started_at:
        took_s = round(clip.spent_s + clip.completed_at - clip.started_at, 3)
    is_done = clip.status == COMPLETED
    return {
        "id": clip.id,
        "object": "video",
        "model": model,
        "status": clip.status,
        "progress": 100 if is_done else 0 if clip.status == QUEUED else clip.percent,
        "created_at": int(clip.created_at),
        "completed_at": int(clip.completed_at) if clip.completed_at else None,
        "expires_at": None,
        "error": clip.error,
        "prompt": clip.request.prompt,
        "remixed_from_video_id": None,
        "seconds": seconds_text(sampling["frames"], clip.request.fps),
        "size": f"{sampling['width']}x{sampling['height']}",
        "seed": str(sampling["seed"]),
        "frames": sampling["frames"],
        "fps": clip.request.fps,
        "steps": sampling["steps"],
        "sampler": sampling["sampler"],
        "shift": sampling["shift"],
        "guidance": sampling["guidance"],
        "negative_prompt": clip.request.negative_prompt,
        "queue_position": ahead,
        "phase": clip.phase,
        "done": clip.done,
        "total": clip.total,
        "eta_seconds": None if clip.eta_s is None else round(clip.eta_s, 1),
        "previews": len(clip.previews),
        "took_seconds": took_s,
        "bytes": len(clip.content) if clip.content is not None else None,
        "frames_digest": clip.frames_digest,
        "look_after": clip.look_after,
        "held": clip.is_held,
        "restarts": clip.restarts,
    }


def error_json(status: int, message: str, code: Optional[str] = None,
               param: Optional[str] = None) -> Dict[str, Any]:
    """OpenAI's error object."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = "server_error" if status >= 500 else kinds.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
