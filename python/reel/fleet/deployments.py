# SPDX-License-Identifier: Apache-2.0
"""The stages as deployments of Ray Serve, with the HTTP interface in front."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any, AsyncGenerator, Dict, Optional

from ray import serve

from .api import Api
from .requests import ClipRequest
from .settings import FleetSettings
from .stage_runs import Reports, StageRuns

APPLICATION = "reel"


class TextEncoder:
    """Prompt to text states."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self._runs = StageRuns(options)

    async def encode(self, request: ClipRequest) -> AsyncGenerator[Reports, None]:
        async with aclosing(self._runs.encode_text(request)) as stream:
            async for reports in stream:
                yield reports


class Denoiser:
    """Text states to latents."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self._runs = StageRuns(options)

    async def denoise(
        self, text: bytes, sampling: Dict[str, Any], state: Optional[bytes],
        look_after: Optional[int],
    ) -> AsyncGenerator[Reports, None]:
        async with aclosing(self._runs.denoise(text, sampling, state, look_after)) as stream:
            async for reports in stream:
                yield reports


class Decoder:
    """Latents to the clip."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self._runs = StageRuns(options)

    async def decode(self, latents: bytes, fps: int) -> AsyncGenerator[Reports, None]:
        async with aclosing(self._runs.decode(latents, fps)) as stream:
            async for reports in stream:
                yield reports


def build_application(settings: FleetSettings) -> serve.Application:
    """The stages with the HTTP interface in front. No Ray need run yet."""

    def stage(kind: type, name: str) -> serve.Application:
        of = settings.stage(name)
        deployment = serve.deployment(**of.deployment_options())(kind)
        return deployment.bind(of.stages_options(settings.model))

    return Api.bind(
        stage(TextEncoder, "text"), stage(Denoiser, "denoise"), stage(Decoder, "decode"), settings
    )
