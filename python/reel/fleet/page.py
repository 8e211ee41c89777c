# SPDX-License-Identifier: Apache-2.0
"""The page of ``reel serve``, whose files come with this package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Dict

from starlette.requests import Request
from starlette.responses import Response

from .requests import ApiError

FOLDER = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_INDEX = "index.html"
# Nothing but what this server sends is loaded, nothing that is not in a file is run, and no other
# page may show this one. blob: are clips fetched with a key.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True)
class _PageFile:
    content_type: str
    etag: str  # with its quotes; another one for other bytes
    content: bytes


def read_page(folder: Path = FOLDER) -> Dict[str, _PageFile]:
    """The page's files by the path of their address."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in _TYPES:
            continue
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        address = "/" if path.name == _INDEX else f"/page/{path.name}"
        files[address] = _PageFile(_TYPES[path.suffix], etag, content)
    return files


_files: Dict[str, _PageFile] = {}


def page_answer(request: Request) -> Response:
    """The file of the request's path. Raises ApiError 404."""
    if not _files:
        _files.update(read_page())
    file = _files.get(request.url.path)
    if file is None:
        raise ApiError(404, "There is nothing here.", "not_found")
    headers = {
        "ETag": file.etag,
        "Cache-Control": "no-cache",  # kept, but asked about every time
        "Content-Security-Policy": _CONTENT_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    known = request.headers.get("if-none-match", "")
    if known == "*" or file.etag in known:  # in a list weak tags count as well
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.content_type)
