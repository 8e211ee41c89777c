# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, cancels and kills: nothing lost, nothing doubled, memory flat, answers quick.
Usage: load.py REEL [--jobs 1000] [--clients 64] [--kills 3] [--json FILE]

Queues the demo model's smallest clip `jobs` times from `clients` threads. One job in ten is held after its step
until its client, who sees that, continues it; one in ten is deleted at some moment; `kills` times the server is killed (SIGKILL) and started again. At the end every job that was not deleted
is completed with the one digest that this clip has, no held one by itself, and every deleted one is gone. The times are of
status requests, made all the while by every client; those that meet a killed server are not counted.
"""
import argparse
import http.client
import json
import random
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from running_server import RunningServer

SMALLEST = {"prompt": "a red ball", "size": "16x16", "frames": 1, "steps": 1, "seed": 7}


class Client(threading.Thread):
    """Creates its share of the jobs, then asks about them until they are over."""

    def __init__(self, load: "Load", number: int, jobs: int):
        super().__init__()
        self.load, self.jobs = load, jobs
        self.random = random.Random(number)
        self.kept: set[str] = set()
        self.deleted: set[str] = set()
        self.held: set[str] = set()
        self.continued: set[str] = set()
        self.digests: list[str] = []
        self.seconds: list[float] = []
        self.connection = None

    def ask(self, method: str, path: str, body=None):
        """Status and JSON; waits through a kill. A POST that was cut off may have been taken: it is
        made under an id of its own, so that it can be asked for."""
        while True:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.load.server.port, timeout=60)
                headers = {"Content-Type": "application/json"} if body else {}
                self.connection.request(method, path, json.dumps(body) if body else None, headers)
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                self.connection = None
                if method == "POST":
                    return 0, None
                time.sleep(0.05)

    def create(self):
        """By the address that takes an id from its client: a lost answer can be asked for."""
        task = f"load-{self.name}-{len(self.kept) + len(self.deleted)}"
        body = {"task_id": task, "prompt": SMALLEST["prompt"], "target_shape": [16, 16], "target_video_length": 1,
                "infer_steps": 1, "seed": 7}
        while True:
            status, _ = self.ask("POST", "/v1/tasks/video/", body)
            if status == 200:
                break
            if self.ask("GET", f"/v1/videos/{task}")[0] == 200:
                break  # the answer was lost, the job was not
            time.sleep(0.05)
        self.kept.add(task)

    def create_held(self):
        """That address gives an id of its own: where the answer is lost, the clip is known by its negative prompt, which
        changes nothing of it."""
        name = f"load-{self.name}-{len(self.kept) + len(self.deleted)}"
        while True:
            status, video = self.ask("POST", "/v1/videos", {**SMALLEST, "look_after": 1, "negative_prompt": name})
            task = video["id"] if status == 200 else self.find(name)
            if task is not None:
                break
            time.sleep(0.05)
        self.kept.add(task)
        self.held.add(task)

    def find(self, name: str) -> str | None:
        """The id of the clip with that negative prompt."""
        after = ""
        while True:
            page = self.ask("GET", f"/v1/videos?limit=100{after}")[1]
            for video in page["data"]:
                if video["negative_prompt"] == name:
                    return video["id"]
            if not page["has_more"]:
                return None
            after = f"&after={page['last_id']}"

    def go_on(self, task: str):
        """A lost answer is noticed by a clip that is held still."""
        self.continued.add(task)
        self.ask("POST", f"/v1/videos/{task}/continue")

    def delete(self, task: str):
        self.ask("DELETE", f"/v1/videos/{task}")
        self.kept.discard(task)
        self.deleted.add(task)

    def look(self, task: str) -> dict | None:
        epoch, start = self.load.epoch, time.monotonic()
        status, video = self.ask("GET", f"/v1/videos/{task}")
        if epoch == self.load.epoch and not self.load.is_down:
            self.seconds.append(time.monotonic() - start)
        return video if status == 200 else None

    def run(self):
        for _ in range(self.jobs):
            if self.random.random() < 0.1:
                self.create_held()
            else:
                self.create()
            task = self.random.choice(sorted(self.kept))
            if self.random.random() < 0.1:
                self.delete(task)
            else:
                self.look(task)
        waiting = set(self.kept)
        while waiting:
            task = self.random.choice(sorted(waiting))
            video = self.look(task)
            if video is None or video["status"] == "failed":
                raise RuntimeError(f"lost: {task} {video}")
            if video["held"]:
                self.go_on(task)
            elif video["status"] == "completed":
                if task in self.held - self.continued:
                    raise RuntimeError(f"went on by itself: {task}")
                waiting.discard(task)
                self.digests.append(video["frames_digest"])
            time.sleep(self.load.pause)


class Load:
    def __init__(self, server: RunningServer, options):
        self.server, self.options = server, options
        self.epoch, self.is_down, self.pause = 0, False, 0.05
        shares = [options.jobs // options.clients + (at < options.jobs % options.clients) for at in range(options.clients)]
        self.clients = [Client(self, at, share) for at, share in enumerate(shares)]
        for at, client in enumerate(self.clients):
            client.name = str(at)

    def resident_mib(self) -> float:
        text = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def over(self) -> int:
        return sum(len(client.digests) for client in self.clients)

    def kill(self):
        self.is_down = True
        self.server.stop(signal.SIGKILL)
        self.server.command[3] = str(self.server.port)  # the clients know no other
        self.server.start()
        self.epoch += 1
        self.is_down = False

    def run(self) -> dict:
        start = time.monotonic()
        threading.excepthook = lambda args: (sys.__excepthook__(*args[:3]), setattr(self, "has_failed", True))
        for client in self.clients:
            client.start()
        memory, kills = [], 0
        while any(client.is_alive() for client in self.clients):
            time.sleep(0.25)
            memory.append(self.resident_mib())
            due = self.options.jobs * (kills + 1) / (self.options.kills + 1)
            if kills < self.options.kills and self.over() >= due * 0.8:
                self.kill()
                kills += 1
        return self.judge(memory, kills, time.monotonic() - start)

    def judge(self, memory: list[float], kills: int, took: float) -> dict:
        kept = {task for client in self.clients for task in client.kept}
        deleted = {task for client in self.clients for task in client.deleted}
        digests = [digest for client in self.clients for digest in client.digests]
        seconds = sorted(second for client in self.clients for second in client.seconds)
        there = self.server.ask("GET", "/v1/tasks/").json()
        # Of the last 1000, as many as that address tells.
        checks = {"every job is over": len(digests) == len(kept),
                  "all with the same bytes": len(set(digests)) == 1,
                  "none was lost": len(there) == min(1000, len(kept)) and set(there) <= kept,
                  "none of the deleted is there": not deleted & set(there),
                  "a file for each": len(list((self.folder / "data/clips").iterdir())) == len(kept),
                  "no client failed": not getattr(self, "has_failed", False)}
        return {"jobs": self.options.jobs, "clients": self.options.clients, "deleted": len(deleted), "kills": kills,
                "held_and_continued": sum(len(client.continued) for client in self.clients),
                "seconds": round(took, 1), "status_requests": len(seconds),
                "p50_ms": round(1000 * seconds[len(seconds) // 2], 2),
                "p99_ms": round(1000 * seconds[len(seconds) * 99 // 100], 2),
                "resident_mib": [round(min(memory), 1), round(max(memory), 1)], "checks": checks}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("reel")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        with RunningServer(options.reel, Path(name), "--max-queue", str(options.jobs)) as server:
            load = Load(server, options)
            load.folder = Path(name)
            result = load.run()
    text = json.dumps(result, indent=1)
    print(text)
    if options.json:
        Path(options.json).write_text(text + "\n")
    sys.exit(0 if all(result["checks"].values()) else 1)
