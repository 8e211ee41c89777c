# SPDX-License-Identifier: Apache-2.0
"""A `reel serve` for the page to ask."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path


class Server:
    """`reel serve` on a port and a folder that stay the same when it is started again."""

    def __init__(self, reel: Path, folder: Path, *flags: str):
        self.reel, self.folder, self.flags, self.port = reel, folder, flags, 0
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"),
                       "XDG_CACHE_HOME": str(self.folder / "cache")}
        self.process = subprocess.Popen(
            [self.reel, "serve", "--port", str(self.port), "--data", self.folder / "data",
             *self.flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), f"reel serve printed {self.url!r}"
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self, how=signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=20)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path) as answer:
            return answer.read()

    def videos(self) -> list[dict]:
        return json.loads(self.get("/v1/videos?limit=100"))["data"]


@contextlib.contextmanager
def serving(reel: Path, *flags: str):
    folder = Path(tempfile.mkdtemp(prefix="reel-page-"))
    server = Server(reel, folder, *flags)
    try:
        yield server
    finally:
        server.kill(signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
