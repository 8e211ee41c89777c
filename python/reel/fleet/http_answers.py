# SPDX-License-Identifier: Apache-2.0
"""Parts of requests and answers that know nothing of clips' making."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .requests import ApiError, read_json
from .video_json import error_json

MOST_BODY_BYTES = 256 * 1024


def error_answer(error: ApiError, headers: Optional[Dict[str, str]] = None) -> JSONResponse:
    body = error_json(error.status, error.message, error.code, error.param)
    return JSONResponse(body, error.status, headers)


def answer_to_no_route(error: HTTPException) -> JSONResponse:
    """No such path, or no such method there."""
    if error.status_code == 404:
        return error_answer(ApiError(404, "There is nothing here.", "not_found"))
    if error.status_code == 405:
        methods = (error.headers or {}).get("Allow", "")
        return error_answer(ApiError(405, f"Possible here: {methods}."), {"Allow": methods})
    return error_answer(ApiError(error.status_code, str(error.detail)))


def _too_large(size: str) -> ApiError:
    return ApiError(413, f"The body has {size} bytes; at most {MOST_BODY_BYTES} are possible. Reel "
                         "takes text, no pictures.")


async def _read_body(request: Request) -> None:
    """Leaves it where `request` finds it again. Raises ApiError 413."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > MOST_BODY_BYTES:
        raise _too_large(declared)
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise _too_large(f"more than {MOST_BODY_BYTES}")
    request._body = b"".join(parts)  # noqa: SLF001: what request.body() keeps it in


async def read_fields(request: Request) -> Mapping[str, Any]:
    """The fields of a JSON or form body. Raises ApiError."""
    await _read_body(request)
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        if not kind.startswith("application/json"):
            raise ApiError(415, "The body must be application/json or multipart/form-data.")
        return read_json(await request.body())
    try:
        form = await request.form()
    except HTTPException:
        raise ApiError(400, "The body is no multipart/form-data.", "invalid_form") from None
    fields: Dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in fields:
            raise ApiError(400, f"{name} was sent twice.", "invalid_value", name)
        fields[name] = {} if isinstance(value, UploadFile) else value
    return fields


def _range_of(header: str, size: int) -> Optional[Tuple[int, int]]:
    """First and last byte of "bytes=..."; None for all. Raises ApiError 416."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header, re.ASCII)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = size - min(size, int(match[2])), size - 1
    elif match[2] and int(match[2]) < int(match[1]):
        return None
    else:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if first >= size:
        raise ApiError(416, f"The clip has {size} bytes.")
    return first, last


def clip_answer(request: Request, content: bytes, name: str) -> Response:
    """The clip, or the part of it that the request's Range asks for."""
    headers = {"Accept-Ranges": "bytes", "Content-Disposition": f'inline; filename="{name}"'}
    try:
        part = _range_of(request.headers.get("range", ""), len(content))
    except ApiError as error:
        return error_answer(error, {"Content-Range": f"bytes */{len(content)}"})
    if part is None:
        return Response(content, headers=headers, media_type="video/mp4")
    first, last = part
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, "video/mp4")


def query_integer(request: Request, name: str, otherwise: int, least: int, most: int) -> int:
    """Raises ApiError."""
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    is_number = re.fullmatch(r"-?\d{1,9}", text, re.ASCII) is not None
    if not is_number or not least <= int(text) <= most:
        raise ApiError(400, f"{name} must be {least} to {most}.", "invalid_value", name)
    return int(text)
