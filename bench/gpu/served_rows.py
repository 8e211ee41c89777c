# SPDX-License-Identifier: Apache-2.0
"""Rows of faults.py about `reel serve`: its clips, its memory, and clips that are deleted."""
import http.client
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from driver import Ballast, Watch
from fault_rows import Rows
from program import require
from scene import GIB, MOST_LATENCY_S, Scene, within

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/server"))
from running_server import RunningServer  # noqa: E402

MIB = 1 << 20
IDLE_S = 2
CLIP_LIMIT_S = 200
CONTEXT_AT_MOST = 1 * GIB  # of CUDA's own memory, which an idle server keeps


class Events(threading.Thread):
    """The server-sent events of one video, counted by kind, until its end."""

    def __init__(self, server: RunningServer, video: str):
        super().__init__()
        self.server, self.video, self.kinds = server, video, {}
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=CLIP_LIMIT_S)
        connection.request("GET", f"/v1/videos/{self.video}/events")
        for line in connection.getresponse():
            kind = line.decode().strip().partition("event: ")[2]
            if kind:
                self.kinds[kind] = self.kinds.get(kind, 0) + 1
            if kind == "end":
                break
        connection.close()


def served(scene: Scene) -> Rows:
    """`reel serve` with the model of the scene."""
    request = {"prompt": "a ball", "seed": 1}
    if scene.program.on_gpu():
        request |= {"size": "832x480", "frames": 81}

    @contextmanager
    def serving():
        folder = scene.folder / "served"
        folder.mkdir(exist_ok=True)
        with RunningServer(str(scene.program.reel), folder, "--model", str(scene.model),
                           "--device", scene.program.device, "--idle-seconds", str(IDLE_S)) as server:
            yield server

    def used() -> int:
        return scene.nvml.memory().used if scene.nvml else 0

    def made(server: RunningServer, **changes) -> tuple[dict, float]:
        start = time.monotonic()
        video = server.wait(server.create({**request, **changes}),
                            lambda now: now["status"] in ("completed", "failed"), CLIP_LIMIT_S)
        return video, time.monotonic() - start

    def completed(server: RunningServer, **changes) -> float:
        video, seconds = made(server, **changes)
        require(video["status"] == "completed", f"{video['error']}")
        if not changes:
            require(video["frames_digest"] == scene.reference.digest, "the frames are other ones")
        return seconds

    def clips() -> str:
        before = used()
        with serving() as server:
            start = time.monotonic()
            video = server.create(request)
            watch = Watch(scene.nvml, server.process.pid, before) if scene.nvml else None
            events = Events(server, video)
            events.join(CLIP_LIMIT_S)
            cold_s = time.monotonic() - start
            if watch:
                watch.stop()
            now = server.video(video)
            require(now["status"] == "completed", f"{now['status']}: {now.get('error')}")
            require(now["frames_digest"] == scene.reference.digest, "not the frames of generate")
            require(events.kinds.get("preview") == now["steps"], f"events: {events.kinds}")
            kept = used() - before
            warm_s = completed(server)
            other_s = completed(server, prompt="a red ball over a meadow", seed=2)
            time.sleep(IDLE_S + 1)
            idle = used() - before
            again_s = completed(server)
        figures = (f"first {cold_s:.2f} s ({events.kinds}), the same again {warm_s:.2f} s, another "
                   f"prompt {other_s:.2f} s, after being idle {again_s:.2f} s; generate's frames")
        if not watch:
            return figures
        require(idle <= CONTEXT_AT_MOST, f"{idle / MIB:.0f} MiB of GPU memory are held when idle")
        time.sleep(0.5)
        return (f"{figures}; GPU memory {watch.gpu_peak / MIB:.0f} MiB at most, {kept / MIB:.0f} MiB "
                f"after a clip, {idle / MIB:.0f} MiB when idle, {(used() - before) / MIB:.0f} MiB "
                "after the server")

    def deleted_in(phase: str, done: int) -> str:
        with serving() as server:
            completed(server)
            video = server.create({**request, "seed": 3, "prompt": "a blue star"})
            waiting = server.create({**request, "seed": 4})
            server.wait(video, lambda now: now.get("phase") == phase and now["done"] >= done)
            start = time.monotonic()
            answer = server.ask("DELETE", f"/v1/videos/{video}")
            answered = time.monotonic() - start
            require(answer.status == 200, f"DELETE answered {answer.status}")
            server.wait(waiting, lambda now: now["status"] == "in_progress")
            next_s = time.monotonic() - start
            require(server.ask("GET", f"/v1/videos/{video}").status == 404, "it is still there")
            server.ask("DELETE", f"/v1/videos/{waiting}")
            completed(server)
        return (f"answered after {within(answered, MOST_LATENCY_S, 'DELETE')}, the next clip begun "
                f"after {within(next_s, MOST_LATENCY_S, 'the stop')}; a clip after it has the same frames")

    def taken() -> str:
        scene.need_gpu("there is no GPU memory")
        with serving() as server:
            completed(server)
            with Ballast(256 * MIB):
                video, seconds = made(server)
            require(video["status"] == "failed", f"it is {video['status']}")
            completed(server)
        return f"failed after {seconds:.2f} s: {video['error']}; then the same frames again"

    yield "clips by the server, warm and after being idle", clips
    for phase, done in (("text", 0), ("denoise", 1), ("decode", 1)):
        yield f"DELETE in {phase}", lambda p=phase, d=done: deleted_in(p, d)
    yield "memory taken between two clips of the server", taken
