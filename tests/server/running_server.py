# SPDX-License-Identifier: Apache-2.0
"""A `reel serve` of its own for a test, and requests to it with the standard library alone."""
import http.client
import json
import os
import signal
import subprocess
import time
from pathlib import Path

SMALL = {"prompt": "a red ball moves to the right over a night sky", "size": "32x32", "frames": 1, "seed": 7}
# Takes long enough to be met while it is made.
LARGE = {**SMALL, "size": "128x128", "frames": 81}


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = dict(response.getheaders())
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class RunningServer:
    """Starts with the program's demo model in `folder`; `flags` are added."""

    def __init__(self, program: str, folder: Path, *flags: str):
        self.command = [program, "serve", "--port", "0", "--data", str(folder / "data"), *flags]
        self.environment = {**os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"),
                            "XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder)}
        self.log = folder / "log"
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        address = self.process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"no server: {self.log.read_text()}")
        self.host, port = address.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.process.stdout.close()
        return self.process.returncode

    def ask(self, method: str, path: str, body=None, **headers) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            if isinstance(body, dict):
                body = json.dumps(body)
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def create(self, body=None, **headers) -> str:
        answer = self.ask("POST", "/v1/videos", body or SMALL, **headers)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {answer.body}")
        return answer.json()["id"]

    def video(self, video: str, **headers) -> dict:
        answer = self.ask("GET", f"/v1/videos/{video}", **headers)
        return answer.json() if answer.status == 200 else {"status": answer.status}

    def wait(self, video: str, is_it, seconds: float = 60, **headers) -> dict:
        """The video once `is_it(video)`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = self.video(video, **headers)
            if is_it(now):
                return now
            time.sleep(0.01)
        raise TimeoutError(f"{video}: {now}")

    def wait_until_over(self, video: str, **headers) -> dict:
        return self.wait(video, lambda now: now["status"] not in ("queued", "in_progress"), **headers)

    def wait_until_running(self, video: str) -> dict:
        return self.wait(video, lambda now: now["status"] == "in_progress" and now["previews"] >= 1)
