# SPDX-License-Identifier: Apache-2.0
"""Whom the HTTP interface answers, and how it refuses: what stands before every route."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Dict, FrozenSet, Iterable, MutableMapping, Optional

from .keys import ApiKeys
from .requests import ApiError
from .video_json import error_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]



@dataclass(frozen=True)
class Access:
    """Names that a request's Host may have besides "localhost" and addresses, in lower case, and
    the keys, of which a request needs one where there are any."""

    host_names: FrozenSet[str] = frozenset()
    keys: ApiKeys = ApiKeys()


# The process has one interface; the routes are made before its settings are known.
access = Access()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_of(header: str) -> str:
    """Without the port; empty if it is none."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]/@]*))(?::\d{0,5})?", header)
    return (match[1] or match[2] or "").lower() if match else ""


def check_origin(host: str, origin: Optional[str], names: Iterable[str]) -> None:
    """So that no web page asks, neither from its own site nor under a name that leads here.

    Args:
        host: the request's header.
        origin: the request's header, where it has one.
        names: that are answered to besides "localhost" and addresses.

    Raises:
        ApiError: 403.
    """
    name = _host_of(host)
    is_known = name == "localhost" or _is_address(name) or name in names
    if not name or not is_known:
        raise ApiError(403, "This server does not answer to that Host.", "host_not_allowed")
    if origin and origin not in (f"http://{host}", f"https://{host}"):
        raise ApiError(403, "Pages of other sites may not ask this server.", "origin_not_allowed")


def check_key(header: str, keys: ApiKeys) -> str:
    """The name of the key that a request has; empty where none is needed.

    Args:
        header: the request's Authorization, one character a byte.

    Raises:
        ApiError: 401.
    """
    if not keys.digests:
        return ""
    scheme = "Bearer "
    key = header[len(scheme):].encode("latin-1") if header.startswith(scheme) else None
    name = None if key is None else keys.name_of(key)
    if name is None:
        words = "The key is wrong." if header else 'A key is needed: "Authorization: Bearer KEY".'
        raise ApiError(401, words, "invalid_api_key")
    return name


class Gate:
    """ASGI middleware: refuses, and adds the headers of every answer."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                there = {name.lower() for name, _ in headers}
                headers += [header for header in _HEADERS if header[0] not in there]
                message = {**message, "headers": headers}
            await send(message)

        try:
            check_origin(given.get(b"host", ""), given.get(b"origin"), access.host_names)
        except ApiError as error:
            await _refuse(error, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


async def _refuse(error: ApiError, send: Send) -> None:
    body = json.dumps(error_json(error.status, error.message, error.code, error.param)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
