# SPDX-License-Identifier: Apache-2.0
"""What leads a clip through the stages, and begins one again whose replica is lost."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Dict, Optional, Tuple

import ray
import reel
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from .clip import Clip, FleetError
from .settings import STAGES, FleetSettings

_LONGEST_PAUSE_S = 5.0


def _is_lost_replica(error: Exception) -> bool:
    """Whether it tells of the replica, and not of what the replica met in its work."""
    if isinstance(error, DeploymentUnavailableError):
        return True
    is_ray = isinstance(error, ray.exceptions.RayError)
    return is_ray and not isinstance(error, ray.exceptions.RayTaskError)


def _cause(error: Exception) -> Exception:
    """What the replica raised, without Ray's wrapping."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else error


class ClipMaker:
    """Leads clips through the stages. A stage whose replica is lost is begun again on another one:
    denoising from the last step that was told, since its state came here."""

    def __init__(self, text: DeploymentHandle[Any], denoiser: DeploymentHandle[Any],
                 decoder: DeploymentHandle[Any], settings: FleetSettings) -> None:
        self._encode = text.options(stream=True).encode
        self._denoise = denoiser.options(stream=True).denoise
        self._decode = decoder.options(stream=True).decode
        self._attempts = settings.attempts
        # Serve asks busy replicas again and again whether they still are. It sees no more requests
        # than there may be replicas: enough to start those.
        self._places = {name: asyncio.Semaphore(settings.stage(name).most_replicas())
                        for name in STAGES}
        self._decode_s: Dict[Tuple[int, int, int], float] = {}  # of late, by width, height, frames

    async def make(self, clip: Clip) -> bool:
        """Sets the clip's content; False when it is to be held before that. Goes on from what is
        made of it. Raises what a stage raised, or FleetError."""
        request, made = clip.request, clip.made
        sampling = request.sampling
        size = (sampling["width"], sampling["height"], sampling["frames"])
        loop = asyncio.get_running_loop()

        def is_state(kind: str, value: Any) -> bool:
            if kind == "state":
                made.state = value
            return kind == "state"

        if made.text is None:
            made.text = await self._stage(
                clip, "text", lambda: self._encode.remote(request), lambda *_: False, None)
        if made.latents is None:
            made.latents = await self._stage(
                clip, "denoise",
                lambda: self._denoise.remote(made.text, sampling, made.state, clip.look_after),
                is_state, self._decode_s.get(size))
        if clip.look_after is not None:  # also where that is the last step
            return False
        began = loop.time()
        clip.content, clip.frames_digest, clip.recipe = await self._stage(
            clip, "decode", lambda: self._decode.remote(made.latents, request.fps), lambda *_: False, 0)
        self._decode_s[size] = loop.time() - began
        return True

    async def _stage(self, clip: Clip, name: str, begin: Callable[[], Any],
                     is_step: Callable[[str, Any], bool], rest_s: Optional[float]) -> Any:
        """What the stage makes.

        Args:
            begin: sends the request to a replica.
            is_step: takes a report; whether the stage has got further by it.
            rest_s: what is going to come after the stage, in seconds, where that is known.
        """
        clip.wait_for_replica()
        async with self._places[name]:
            return await self._in_place(clip, name, begin, is_step, rest_s)

    async def _in_place(self, clip: Clip, name: str, begin: Callable[[], Any],
                        is_step: Callable[[str, Any], bool], rest_s: Optional[float]) -> Any:
        """The same, once there is a place."""
        losses = 0
        while True:
            stream = begin()
            try:
                async for reports in stream:
                    for kind, value in reports:
                        if kind == "done":
                            return value
                        if is_step(kind, value):
                            losses = 0
                        elif kind == "preview":
                            clip.previews[value[0]] = value[1]
                            clip.tell()
                        elif kind == "progress":
                            _show(clip, value, rest_s)
                raise FleetError("internal", f"The {name} stage ended without a result.")
            except asyncio.CancelledError:
                stream.cancel()
                raise
            except (ray.exceptions.RayError, DeploymentUnavailableError, reel.Error) as error:
                if not _is_lost_replica(error):
                    raise _cause(error) from error
                losses += 1
                if losses >= self._attempts:
                    raise FleetError("replica_lost", f"The {name} stage of this clip lost its "
                                     f"replica {losses} times.") from error
            clip.restarts += 1
            clip.wait_for_replica()
            await asyncio.sleep(min(0.2 * 2**losses, _LONGEST_PAUSE_S))


def _show(clip: Clip, progress: Dict[str, Any], rest_s: Optional[float]) -> None:
    stage_s = progress["remaining_s"]
    eta_s = None if stage_s is None or rest_s is None else stage_s + rest_s
    clip.show(progress["phase"], progress["done"], progress["total"], progress["part"], eta_s)
