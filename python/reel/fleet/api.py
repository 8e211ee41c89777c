# SPDX-License-Identifier: Apache-2.0
"""``/v1/videos``, as ``reel serve`` has it: docs/SERVER.md tells the requests and answers.

Annotations are no strings here: Serve moves the class, and FastAPI would not find their names.
"""

import json
import logging
from typing import Annotated, Any, AsyncIterator, Dict, List

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from . import gate
from .clip_maker import ClipMaker
from .clip import CANCELLED, COMPLETED, FAILED, HELD, IN_PROGRESS, QUEUED, Clip
from .clips import Clips
from .http_answers import (
    answer_to_no_route,
    clip_answer,
    error_answer,
    query_integer,
    read_fields,
)
from .model_check import ModelCheck
from .page import page_answer
from .plans import Plans
from .requests import ApiError, parse_request
from .settings import FleetSettings
from .video_json import video_json

_READ = ["GET", "HEAD"]
_log = logging.getLogger("ray.serve")

app = FastAPI(title="Reel fleet", docs_url=None, redoc_url=None, openapi_url=None)
app.add_middleware(gate.Gate)


@app.exception_handler(HTTPException)
async def _no_route(_request: Request, error: HTTPException) -> JSONResponse:
    return answer_to_no_route(error)


@app.exception_handler(Exception)
async def _failure(_request: Request, error: Exception) -> JSONResponse:
    _log.error("%s: %s", type(error).__name__, error)
    return error_answer(
        ApiError(500, "The server failed at this request; its log says why.", "server_error")
    )


@app.exception_handler(ApiError)
async def _refusal(_request: Request, error: ApiError) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if error.retry_after_s:
        headers["Retry-After"] = str(error.retry_after_s)
    return error_answer(error, headers)


async def _client_of(request: Request) -> str:
    return gate.check_key(request.headers.get("authorization", ""), gate.access.keys)


# The name of the request's key, of a route that needs one; empty where there are no keys.
Client = Annotated[str, Depends(_client_of)]


@app.api_route("/", methods=_READ)
@app.api_route("/page/{_name}", methods=_READ)
async def _page(request: Request) -> Response:
    return page_answer(request)


def _require_completed(clip: Clip) -> None:
    if clip.status != COMPLETED:
        raise ApiError(409, f"The video is {clip.state()}, not completed.", "video_not_ready")


# One replica, since it holds the clips, and where Ray's head is: what is lost with one of them is
# lost with the other.
@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=1000,
    ray_actor_options={"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}},
)
@serve.ingress(app)
class Api:
    """The clips' book-keeping and their interface."""

    def __init__(
        self,
        text: DeploymentHandle[Any],
        denoiser: DeploymentHandle[Any],
        decoder: DeploymentHandle[Any],
        settings: FleetSettings,
    ) -> None:
        gate.access = gate.Access(
            frozenset(name.lower() for name in settings.host_names), settings.keys)
        self._check = ModelCheck(settings.model)
        self._model = self._check.name
        self._plans = Plans(settings.denoise.stages_options(settings.model), self._model)
        maker = ClipMaker(text, denoiser, decoder, settings)
        self._clips = Clips(
            maker.make, settings.most_begun(), settings.most_waiting, settings.most_kept
        )

    def _video(self, clip: Clip) -> Dict[str, Any]:
        return video_json(clip, self._model, self._clips.ahead_of(clip))

    @app.post("/v1/videos")
    async def create(self, request: Request, client: Client) -> JSONResponse:
        asked = parse_request(await read_fields(request), self._model)
        complete, warnings = self._check.complete(asked)
        return JSONResponse({**self._video(self._clips.add(complete, client)), "warnings": warnings})

    @app.api_route("/v1/videos", methods=_READ)
    async def list_videos(self, request: Request, client: Client) -> JSONResponse:
        limit = query_integer(request, "limit", 20, 1, 100)
        order = request.query_params.get("order", "desc")
        if order not in ("asc", "desc"):
            raise ApiError(400, "order must be asc or desc.", "invalid_value", "order")
        clips: List[Clip] = self._clips.oldest_first(client)
        if order != "asc":
            clips.reverse()
        after = request.query_params.get("after", "")
        if after:
            clips = clips[clips.index(self._clips.find(after, client)) + 1 :]
        data = [self._video(clip) for clip in clips[:limit]]
        return JSONResponse({
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": len(clips) > limit,
        })

    @app.api_route("/v1/videos/{video_id}", methods=_READ)
    async def retrieve(self, video_id: str, client: Client) -> JSONResponse:
        return JSONResponse(self._video(self._clips.find(video_id, client)))

    @app.delete("/v1/videos/{video_id}")
    async def delete(self, video_id: str, client: Client) -> JSONResponse:
        self._clips.remove(self._clips.find(video_id, client))
        return JSONResponse({"id": video_id, "object": "video.deleted", "deleted": True})

    @app.post("/v1/videos/{video_id}/continue")
    async def go_on(self, video_id: str, client: Client) -> JSONResponse:
        clip = self._clips.find(video_id, client)
        self._clips.go_on(clip)
        return JSONResponse(self._video(clip))

    @app.api_route("/v1/videos/{video_id}/recipe", methods=_READ)
    async def recipe(self, video_id: str, client: Client) -> Response:
        clip = self._clips.find(video_id, client)
        _require_completed(clip)
        return Response(clip.recipe, media_type="application/json")

    @app.api_route("/v1/videos/{video_id}/content", methods=_READ)
    async def content(self, video_id: str, request: Request, client: Client) -> Response:
        clip = self._clips.find(video_id, client)
        variant = request.query_params.get("variant", "video")
        _require_completed(clip)
        if variant == "spritesheet":
            return self._picture(clip, len(clip.previews))
        if variant != "video":
            raise ApiError(400, "variant must be video or spritesheet.", "invalid_value", "variant")
        return clip_answer(request, clip.content or b"", clip.id + ".mp4")

    @app.api_route("/v1/videos/{video_id}/previews/{step}", methods=_READ)
    async def preview(self, video_id: str, step: str, client: Client) -> Response:
        clip = self._clips.find(video_id, client)
        return self._picture(clip, int(step) if step.isdecimal() else 0)

    def _picture(self, clip: Clip, step: int) -> Response:
        if step not in clip.previews:
            raise ApiError(404, f"There is no preview {step} of this video.", "not_found")
        return Response(clip.previews[step], media_type="image/png")

    @app.get("/v1/videos/{video_id}/events")
    async def events(self, video_id: str, client: Client) -> StreamingResponse:
        clip = self._clips.find(video_id, client)

        async def lines() -> AsyncIterator[str]:
            told: Dict[str, Any] = {}
            shown = 0
            async for is_new in self._clips.changes(clip):
                if not is_new:
                    yield ": nothing new\n\n"
                video = self._video(clip)
                if video != told and not clip.is_deleted:
                    yield f"event: video\ndata: {json.dumps(video)}\n\n"
                told = video
                for step in range(shown + 1, len(clip.previews) + 1):
                    picture = {
                        "step": step,
                        "steps": clip.request.sampling["steps"],
                        "url": f"/v1/videos/{clip.id}/previews/{step}",
                    }
                    yield f"event: preview\ndata: {json.dumps(picture)}\n\n"
                shown = max(shown, len(clip.previews))
            yield "event: end\ndata: {}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    @app.api_route("/v1/models", methods=_READ)
    async def models(self, _client: Client) -> JSONResponse:
        model = {"id": self._model, "object": "model", "created": 0, "owned_by": "reel"}
        return JSONResponse({"object": "list", "data": [model]})

    @app.api_route("/v1/models/{model_id}", methods=_READ)
    async def model(self, model_id: str, _client: Client) -> JSONResponse:
        if model_id != self._model:
            raise ApiError(404, f'The model here is "{self._model}".', "model_not_found")
        return JSONResponse(await run_in_threadpool(self._plans.model))

    @app.post("/v1/plans")
    async def plan(self, request: Request, _client: Client) -> JSONResponse:
        asked = parse_request(await read_fields(request), self._model)
        return JSONResponse(await run_in_threadpool(self._plans.plan, asked))

    @app.api_route("/health", methods=_READ)
    async def health(self) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.api_route("/ready", methods=_READ)
    async def ready(self) -> JSONResponse:
        if self._clips.is_full():
            raise ApiError(503, "The queue is full.", "queue_full",
                           retry_after_s=self._clips.retry_after_s())
        return JSONResponse({"status": "ready"})

    @app.api_route("/metrics", methods=_READ)
    async def metrics(self, _client: Client) -> Response:
        """Jobs by state; Ray has the rest at its own address."""
        lines = [f'reel_jobs{{state="{state}"}} {self._clips.count(state)}'
                 for state in (QUEUED, IN_PROGRESS, COMPLETED, FAILED, CANCELLED, HELD)]
        return Response("# TYPE reel_jobs gauge\n" + "\n".join(lines) + "\n",
                        media_type="text/plain; version=0.0.4; charset=utf-8")
