# SPDX-License-Identifier: Apache-2.0
"""The fleet's HTTP interface, asked as a user would, beside that of one `reel serve`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List, Tuple

import reel

from client import PROMPT, Client
from local_cluster import LocalCluster, RunningFleet

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests/server"))
from running_server import RunningServer  # noqa: E402

SMALL = {"seed": 7, "frames": 5}
# Takes long enough to be met while it is made.
SLOW = {"seed": 7, "size": "256x256", "frames": 81}
JSON = "application/json"

REFUSED: List[Tuple[str, Any]] = [
    ("no prompt", {}),
    ("an empty prompt", {"prompt": " "}),
    ("a long prompt", {"prompt": "a" * 8193}),
    ("an unknown field", {"prompt": "a", "promt": "b"}),
    ("an image", {"prompt": "a", "input_reference": "x"}),
    ("another model", {"prompt": "a", "model": "other"}),
    ("no size", {"prompt": "a", "size": "big"}),
    ("a small size", {"prompt": "a", "size": "8x8"}),
    ("a large size", {"prompt": "a", "size": "1920x1920"}),
    ("a text for frames", {"prompt": "a", "frames": "many"}),
    ("half a frame", {"prompt": "a", "frames": 1.5}),
    ("many frames", {"prompt": "a", "frames": 1000}),
    ("frames and seconds", {"prompt": "a", "frames": 5, "seconds": 1}),
    ("many seconds", {"prompt": "a", "seconds": "31"}),
    ("a negative seed", {"prompt": "a", "seed": -1}),
    ("a seed that is too large", {"prompt": "a", "seed": 2**64}),
    ("no step", {"prompt": "a", "steps": 0}),
    ("no frame rate", {"prompt": "a", "fps": 0}),
    ("a look after no step", {"prompt": "a", "look_after": 0}),
    ("a look after more steps than there are", {"prompt": "a", "steps": 2, "look_after": 3}),
    ("a look after half a step", {"prompt": "a", "look_after": 0.5}),
    ("an unknown sampler", {"prompt": "a", "sampler": "ddim"}),
    ("truth for a number", {"prompt": "a", "shift": True}),
    ("a number for a text", {"prompt": 1}),
    ("a zero byte", {"prompt": "a\0b"}),
    ("a list", [1]),
    ("no JSON", b"{"),
    ("no UTF-8", b'{"prompt": "\xff"}'),
    ("a body of 300 KiB", b" " * (300 * 1024)),
]


def form(fields: Dict[str, str], more: bytes = b"") -> Tuple[bytes, Dict[str, str]]:
    """multipart/form-data, as OpenAI's client sends, and its header."""
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in fields.items()]
    body = "".join(parts).encode() + more + b"--x--\r\n"
    return body, {"Content_Type": "multipart/form-data; boundary=x"}


def _reel(*arguments: str) -> str:
    """What the program says on standard output."""
    done = subprocess.run([str(ROOT / "build/bin/reel"), *arguments], check=True,
                          capture_output=True, text=True)
    return done.stdout


class HttpTest(unittest.TestCase):
    cluster: LocalCluster
    fleet: RunningFleet
    client: Client

    @classmethod
    def setUpClass(cls) -> None:
        cores = sorted(os.sched_getaffinity(0))
        cls.cluster = cls.enterClassContext(LocalCluster([cores[0], cores[-1]]))
        cls.fleet = cls.enterClassContext(RunningFleet(
            cls.cluster, "--text-cpus", "0.1", "--denoise-cpus", "0.7", "--decode-cpus", "0.1",
            "--denoise-replicas", "2", "--max-queue", "6", "--allow-host", "fleet.example.org"))
        cls.client = Client(cls.fleet.port)

    def tearDown(self) -> None:
        self.client.delete_all()

    def test_a_clip_has_the_frames_of_one_machine(self) -> None:
        expected = reel.Pipeline(device="cpu").generate(PROMPT, **SMALL)
        video_id = self.client.create(**SMALL)
        seen = list(self.client.events(video_id))
        video = self.client.video(video_id)

        self.assertEqual(video["status"], "completed", video)
        self.assertEqual(video["frames_digest"], expected.frames_digest)
        self.assertEqual(seen[-1], ("end", {}))
        self.assertEqual([data for name, data in seen if name == "video"][-1], video)
        pictures = [data for name, data in seen if name == "preview"]
        self.assertEqual([picture["step"] for picture in pictures], [1, 2, 3, 4])
        picture = self.client.ask("GET", pictures[1]["url"])
        self.assertEqual((picture.status, picture.body[:4]), (200, b"\x89PNG"))

    def test_progress_is_told_as_it_is_made(self) -> None:
        began = time.monotonic()
        told = [(time.monotonic() - began, video)
                for video in self.client.videos_of_events(self.client.create(**SLOW))]
        percent = [video["progress"] for _, video in told]
        self.assertEqual(percent, sorted(percent))
        self.assertGreater(len(set(percent)), 4)
        self.assertLessEqual({"denoise", "decode"}, {video["phase"] for _, video in told})
        self.assertLess(told[0][0], told[-1][0] / 2)

    def test_content_comes_whole_or_in_parts(self) -> None:
        video_id = self.client.create(**SMALL)
        video = self.client.wait_until_ended(video_id)
        path = f"/v1/videos/{video_id}/content"
        whole = self.client.ask("GET", path)
        self.assertEqual((whole.status, whole.headers["content-type"]), (200, "video/mp4"))
        self.assertEqual(whole.body[4:8], b"ftyp")
        self.assertEqual(len(whole.body), video["bytes"])
        for given, status, body in (
            ("bytes=4-7", 206, b"ftyp"),
            ("bytes=-3", 206, whole.body[-3:]),
            (f"bytes={len(whole.body) - 2}-", 206, whole.body[-2:]),
            ("bytes=9-2", 200, whole.body),
            ("lines=1-2", 200, whole.body),
        ):
            part = self.client.ask("GET", path, Range=given)
            self.assertEqual((part.status, part.body), (status, body), given)
        beyond = self.client.ask("GET", path, Range=f"bytes={len(whole.body)}-")
        self.assertEqual(beyond.status, 416)
        self.assertEqual(beyond.headers["content-range"], f"bytes */{len(whole.body)}")
        head = self.client.ask("HEAD", path)
        self.assertEqual((head.status, head.headers["content-length"], head.body),
                         (200, str(len(whole.body)), b""))
        sheet = self.client.ask("GET", path + "?variant=spritesheet")
        self.assertEqual(sheet.body[:4], b"\x89PNG")

    def test_clips_are_listed_page_by_page_and_deleted(self) -> None:
        ids = [self.client.create(**SMALL) for _ in range(3)]
        first = self.client.ask("GET", "/v1/videos?limit=2").json()
        self.assertEqual([video["id"] for video in first["data"]], ids[:0:-1])
        self.assertTrue(first["has_more"])
        last = self.client.ask("GET", f"/v1/videos?after={first['last_id']}").json()
        self.assertEqual(([video["id"] for video in last["data"]], last["has_more"]), (ids[:1], False))
        oldest = self.client.ask("GET", "/v1/videos?order=asc&limit=1").json()
        self.assertEqual(oldest["first_id"], ids[0])
        self.assertEqual(self.client.ask("DELETE", f"/v1/videos/{ids[0]}").json(),
                         {"id": ids[0], "object": "video.deleted", "deleted": True})
        self.assertEqual(self.client.ask("GET", f"/v1/videos/{ids[0]}").status, 404)

    def test_a_deleted_clip_is_stopped(self) -> None:
        ids = [self.client.create(**SLOW) for _ in range(2)]
        for video_id in ids:
            for video in self.client.videos_of_events(video_id):
                if video["phase"] == "denoise":
                    break
        began = time.monotonic()
        for video_id in ids:
            self.client.ask("DELETE", f"/v1/videos/{video_id}")
        following = self.client.create(**SMALL)
        for video in self.client.videos_of_events(following):
            if video["phase"] == "denoise":
                break
        took_s = time.monotonic() - began
        print(f"a denoiser begins the next clip {took_s:.2f} s after two were deleted", flush=True)
        self.assertLess(took_s, 1.5)
        self.assertEqual(self.client.wait_until_ended(following)["status"], "completed")

    def test_a_full_queue_is_told(self) -> None:
        ids = [self.client.create(**SLOW) for _ in range(10)]  # 4 are begun, 6 wait
        answer = self.client.ask("POST", "/v1/videos", {"prompt": PROMPT})
        self.assertEqual((answer.status, answer.json()["error"]["code"]), (429, "queue_full"))
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.assertEqual(self.client.ask("GET", "/ready").status, 503)
        self.assertEqual(self.client.video(ids[-1])["queue_position"], 9)
        self.client.ask("DELETE", f"/v1/videos/{ids[-2]}")
        self.assertEqual(self.client.video(ids[-1])["queue_position"], 8)
        self.assertEqual(self.client.ask("GET", "/ready").status, 200)

    def test_a_held_clip_goes_on_from_its_step(self) -> None:
        expected = reel.Pipeline(device="cpu").generate(PROMPT, **SMALL).frames_digest
        for steps in (1, 2, 4):  # the last is all that it has
            with self.subTest(steps=steps):
                video_id = self.client.create(look_after=steps, **SMALL)
                *told, end = self.client.events(video_id)
                self.assertEqual(end, ("end", {}))
                held = [data for name, data in told if name == "video"][-1]
                self.assertEqual((held["status"], held["held"], held["look_after"], held["phase"]),
                                 ("queued", True, steps, None))
                self.assertGreaterEqual(held["previews"], steps)
                self.assertEqual(self.client.ask("GET", f"/v1/videos/{video_id}/content").status, 409)
                picture = self.client.ask("GET", f"/v1/videos/{video_id}/previews/{steps}")
                self.assertEqual(picture.body[:4], b"\x89PNG")

                path = f"/v1/videos/{video_id}/continue"
                going = self.client.ask("POST", path)
                self.assertEqual((going.status, going.json()["look_after"]), (200, None))
                video = self.client.wait_until_ended(video_id)
                self.assertEqual(video["status"], "completed", video)
                self.assertEqual(video["frames_digest"], expected)
                again = self.client.ask("POST", path)
                self.assertEqual((again.status, again.json()["error"]["code"]),
                                 (409, "video_not_held"))

    def test_a_held_clip_lets_others_be_made(self) -> None:
        held = [self.client.create(look_after=1, **SMALL) for _ in range(5)]
        other = self.client.wait_until_ended(self.client.create(**SMALL))
        self.assertEqual(other["status"], "completed")
        for video_id in held:
            for video in self.client.videos_of_events(video_id):
                pass
            self.assertTrue(video["held"], video)
        metrics = self.client.ask("GET", "/metrics").body.decode()
        self.assertIn('reel_jobs{state="held"} 5\n', metrics)
        self.assertEqual(self.client.ask("DELETE", f"/v1/videos/{held[0]}").status, 200)
        self.assertIn('reel_jobs{state="held"} 4\n', self.client.ask("GET", "/metrics").body.decode())

    def test_a_clip_can_be_made_again_from_its_recipe(self) -> None:
        for fields in ({}, {"look_after": 2}):
            with self.subTest(**fields), tempfile.TemporaryDirectory() as folder:
                video_id = self.client.create(**SMALL, **fields)
                if fields:
                    list(self.client.events(video_id))
                    self.client.ask("POST", f"/v1/videos/{video_id}/continue")
                video = self.client.wait_until_ended(video_id)
                self.assertEqual(video["status"], "completed", video)
                clip = Path(folder) / "clip.mp4"
                clip.write_bytes(self.client.ask("GET", f"/v1/videos/{video_id}/content").body)
                answer = self.client.ask("GET", f"/v1/videos/{video_id}/recipe")
                self.assertEqual(answer.headers["content-type"], JSON)
                self.assertEqual(answer.json()["frames_digest"], video["frames_digest"])
                self.assertEqual(answer.json(), json.loads(_reel("replay", "--show", str(clip))))
                self.assertEqual(_reel("replay", "--quiet", str(clip)), "equal\n")

    def test_other_names_and_sites_are_refused(self) -> None:
        for headers, status in (
            ({"Host": "evil.example.org"}, 403),
            ({"Host": "fleet.example.org"}, 200),
            ({"Origin": "http://evil.example.org"}, 403),
            ({"Origin": f"http://127.0.0.1:{self.fleet.port}"}, 200),
        ):
            self.assertEqual(self.client.ask("GET", "/v1/models", **headers).status, status, headers)

    def test_it_answers_as_one_server_does(self) -> None:
        with tempfile.TemporaryDirectory() as folder, RunningServer(
            str(ROOT / "build/bin/reel"), Path(folder), "--device", "cpu"
        ) as server:
            one = Client(server.port)
            self._compare_refusals(one)
            self._compare_answers(one)
            self._compare_plans(one)
            self._compare_pages(one)

    def _compare_refusals(self, one: Client) -> None:
        requests: List[Tuple[str, str, str, Any, Dict[str, str]]] = [
            (what, "POST", "/v1/videos", body, {}) for what, body in REFUSED]
        picture = (b'--x\r\nContent-Disposition: form-data; name="input_reference"; filename="a.png"\r\n'
                   b"Content-Type: image/png\r\n\r\nPNG\r\n")
        image, kind = form({"prompt": "a"}, picture)
        twice, _ = form({"prompt": "a"}, form({"prompt": "b"})[0].removesuffix(b"--x--\r\n"))
        requests += [
            ("no kind of body", "POST", "/v1/videos", b"{}", {"Content_Type": "text/plain"}),
            ("an image in a form", "POST", "/v1/videos", image, kind),
            ("a field twice", "POST", "/v1/videos", twice, kind),
            ("a limit", "GET", "/v1/videos?limit=0", None, {}),
            ("an order", "GET", "/v1/videos?order=random", None, {}),
            ("an empty order", "GET", "/v1/videos?order=", None, {}),
            ("a page after nothing", "GET", "/v1/videos?after=video_0", None, {}),
            ("no video", "GET", "/v1/videos/video_0", None, {}),
            ("no video to delete", "DELETE", "/v1/videos/video_0", None, {}),
            ("no content", "GET", "/v1/videos/video_0/content", None, {}),
            ("no events", "GET", "/v1/videos/video_0/events", None, {}),
            ("no recipe", "GET", "/v1/videos/video_0/recipe", None, {}),
            ("nothing to continue", "POST", "/v1/videos/video_0/continue", None, {}),
            ("no model", "GET", "/v1/models/other", None, {}),
            ("no file of the page", "GET", "/page/other.js", None, {}),
            ("no path of the page", "GET", "/page/..%2fapi.py", None, {}),
            ("no prompt to plan for", "POST", "/v1/plans", {}, {}),
            ("no size to plan for", "POST", "/v1/plans", {"prompt": "", "size": "8x8"}, {}),
            ("no path", "GET", "/v2", None, {}),
            ("another site", "GET", "/v1/videos", None, {"Origin": "http://evil.example.org"}),
            ("another host", "GET", "/v1/videos", None, {"Host": "evil.example.org"}),
        ]
        for what, method, path, body, headers in requests:
            with self.subTest(what):
                here = self.client.ask(method, path, body, **headers)
                there = one.ask(method, path, body, **headers)
                self.assertEqual((here.status, here.json()), (there.status, there.json()))
                self.assertEqual(here.headers["content-type"], there.headers["content-type"])
        here, there = (client.ask("PUT", "/v1/videos/x") for client in (self.client, one))
        self.assertEqual((here.status, there.status), (405, 405))
        self.assertEqual(here.json()["error"]["type"], there.json()["error"]["type"])

    def _compare_answers(self, one: Client) -> None:
        body, kind = form({"prompt": PROMPT, "seed": "7", "seconds": "0.5", "size": "64x64", "steps": "2"})
        created = [client.ask("POST", "/v1/videos", body, **kind).json()
                   for client in (self.client, one)]
        self.assertEqual(created[0].keys() - created[1].keys(), {"restarts"})
        self.assertEqual(created[1].keys() - created[0].keys(), set())
        self.assertEqual(created[0]["warnings"], created[1]["warnings"])
        made = [client.wait_until_ended(video["id"])
                for client, video in zip((self.client, one), created)]
        differ = {"id", "created_at", "completed_at", "took_seconds", "bytes", "restarts"}
        self.assertEqual(*({name: value for name, value in video.items() if name not in differ}
                           for video in made))
        for path in ("/v1/models", "/v1/models/reel-demo", "/health", "/ready"):
            here, there = (client.ask("GET", path) for client in (self.client, one))
            self.assertEqual((here.status, here.json()), (there.status, there.json()), path)

    def _compare_plans(self, one: Client) -> None:
        for fields in ({"prompt": ""}, {"prompt": PROMPT, "seconds": "2", "steps": 3},
                       {"prompt": PROMPT, "fps": 24, "guidance": 5, "negative_prompt": "a"},
                       {"prompt": "", "size": "1920x1088", "frames": 481}):
            here, there = (client.ask("POST", "/v1/plans", fields) for client in (self.client, one))
            self.assertEqual((here.status, here.json()), (there.status, there.json()), fields)

    def _compare_pages(self, one: Client) -> None:
        files = sorted((ROOT / "src/server/page").iterdir())
        names = [file.name for file in files if file.suffix in (".js", ".css", ".svg")]
        self.assertGreater(len(names), 5)
        for path in ("/", *(f"/page/{name}" for name in names)):
            here, there = (client.ask("GET", path) for client in (self.client, one))
            self.assertEqual((here.status, here.body), (200, there.body), path)
            for name in ("content-type", "etag", "cache-control", "content-security-policy",
                         "cross-origin-opener-policy", "referrer-policy", "x-content-type-options"):
                self.assertEqual(here.headers[name], there.headers[name], name)
            known = self.client.ask("GET", path, If_None_Match=here.headers["etag"])
            self.assertEqual((known.status, known.body), (304, b""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
