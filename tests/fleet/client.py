# SPDX-License-Identifier: Apache-2.0
"""Requests to a server of /v1/videos, with the standard library alone."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Dict, Iterator, List, Tuple

PROMPT = "a red ball moves to the right over a night sky"


class Answer:
    """What a request was answered with."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Of the server at a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`body`: bytes as they are, or what JSON can hold."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, given)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def create(self, **fields: Any) -> str:
        answer = self.ask("POST", "/v1/videos", {"prompt": PROMPT, **fields})
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {answer.body!r}")
        return str(answer.json()["id"])

    def video(self, video_id: str) -> Dict[str, Any]:
        return dict(self.ask("GET", f"/v1/videos/{video_id}").json())

    def wait_until_ended(self, video_id: str, limit_s: float = 120) -> Dict[str, Any]:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            video = self.video(video_id)
            if video.get("status") not in ("queued", "in_progress"):
                return video
            time.sleep(0.05)
        raise TimeoutError(video)

    def events(self, video_id: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
        """Names and data, as they come, to the end."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", f"/v1/videos/{video_id}/events")
            response = connection.getresponse()
            name = ""
            for line in response:
                kind, _, value = line.decode().strip().partition(": ")
                if kind == "event":
                    name = value
                elif kind == "data":
                    yield name, json.loads(value)
        finally:
            connection.close()

    def videos_of_events(self, video_id: str) -> Iterator[Dict[str, Any]]:
        for name, data in self.events(video_id):
            if name == "video":
                yield data

    def delete_all(self) -> None:
        listed: List[Dict[str, Any]] = self.ask("GET", "/v1/videos?limit=100").json()["data"]
        for video in listed:
            self.ask("DELETE", f"/v1/videos/{video['id']}")
