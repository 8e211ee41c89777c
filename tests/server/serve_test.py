# SPDX-License-Identifier: Apache-2.0
"""`reel serve` as its clients meet it, with the demo model. Usage: serve_test.py REEL [TEST...]"""
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from running_server import LARGE, SMALL, RunningServer

REEL = ""
PAGE = Path(__file__).parents[2] / "docs/SERVER.md"


class ServeTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def serve(self, *flags) -> RunningServer:
        return self.enterContext(RunningServer(REEL, self.folder, *flags))

    def test_makes_a_clip_that_the_program_makes_too(self):
        server = self.serve()
        video = server.wait_until_over(server.create())
        self.assertEqual(video["status"], "completed", video)
        self.assertEqual(video["progress"], 100)

        clip = server.ask("GET", f"/v1/videos/{video['id']}/content")
        self.assertEqual(clip.status, 200)
        self.assertEqual(clip.headers["Content-Type"], "video/mp4")
        self.assertEqual(len(clip.body), video["bytes"])
        self.assertEqual(clip.body[4:8], b"ftyp")
        saved = self.folder / "clip.mp4"
        saved.write_bytes(clip.body)
        replay = subprocess.run([REEL, "replay", saved], env=server.environment, capture_output=True, text=True)
        self.assertEqual(replay.returncode, 0, replay.stderr)

        part = server.ask("GET", f"/v1/videos/{video['id']}/content", Range="bytes=4-7")
        self.assertEqual((part.status, part.body), (206, b"ftyp"))
        self.assertEqual(part.headers["Content-Range"], f"bytes 4-7/{video['bytes']}")
        beyond = server.ask("GET", f"/v1/videos/{video['id']}/content", Range=f"bytes={video['bytes']}-")
        self.assertEqual(beyond.status, 416)
        head = server.ask("HEAD", f"/v1/videos/{video['id']}/content")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(video["bytes"]))
        sheet = server.ask("GET", f"/v1/videos/{video['id']}/content?variant=spritesheet")
        self.assertEqual(sheet.body[:4], b"\x89PNG")
        recipe = server.ask("GET", f"/v1/videos/{video['id']}/recipe").json()
        self.assertEqual(recipe["frames_digest"], video["frames_digest"])

        gone = server.ask("DELETE", f"/v1/videos/{video['id']}").json()
        self.assertEqual(gone, {"id": video["id"], "object": "video.deleted", "deleted": True})
        for path in ("", "/content", "/events", "/previews/1", "/recipe"):
            self.assertEqual(server.ask("GET", f"/v1/videos/{video['id']}{path}").status, 404, path)
        self.assertEqual(list((self.folder / "data/clips").iterdir()), [])

    def test_follows_the_page(self):
        """The curl commands of docs/SERVER.md, with this server's port and the id of the first one's answer."""
        if not shutil.which("curl"):
            self.skipTest("there is no curl")
        server = self.serve()
        lines = re.search(r"serve_test.py -->\n```\n(.*?)```", PAGE.read_text(), re.S)[1].replace("\\\n", " ").splitlines()
        self.assertEqual(len(lines), 3)
        made = None
        for line in lines:
            line = line.replace(":8000", f":{server.port}")
            if made:
                line = re.sub("video_[0-9a-f]+", made, line)
            done = subprocess.run(["sh", "-c", line.replace("curl ", "curl -sf ", 1)], cwd=self.folder,
                                  capture_output=True, check=True)
            if not made:
                made = json.loads(done.stdout)["id"]
                server.wait_until_over(made)
        self.assertEqual((self.folder / "ball.mp4").read_bytes()[4:8], b"ftyp")
        line = re.search(r"^reel (generate --server .*)$", PAGE.read_text(), re.M)[1]
        subprocess.run(["sh", "-c", f"'{REEL}' " + line.replace(":8000", f":{server.port}")], cwd=self.folder,
                       env=server.environment, capture_output=True, check=True)
        self.assertEqual((self.folder / "star.mp4").read_bytes()[4:8], b"ftyp")

    def test_lists_page_by_page(self):
        server = self.serve()
        videos = [server.create() for _ in range(3)]
        first = server.ask("GET", "/v1/videos?limit=2").json()
        self.assertEqual([one["id"] for one in first["data"]], videos[:0:-1])
        self.assertTrue(first["has_more"])
        second = server.ask("GET", f"/v1/videos?limit=2&after={first['last_id']}").json()
        self.assertEqual([one["id"] for one in second["data"]], videos[:1])
        self.assertFalse(second["has_more"])
        self.assertEqual(server.ask("GET", "/v1/videos?limit=0").status, 400)
        self.assertEqual(server.ask("GET", "/v1/videos?order=").status, 400)
        self.assertEqual(server.ask("GET", "/v1/videos?after=nobody").status, 404)

    def test_tells_events(self):
        server = self.serve()
        text = server.ask("GET", f"/v1/videos/{server.create()}/events").body.decode()
        events = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
        names = [lines[0].removeprefix("event: ") for lines in events]
        self.assertEqual(names.count("preview"), 4)
        self.assertEqual(names[-1], "end")
        last = json.loads([lines[1] for lines in events if lines[0] == "event: video"][-1].removeprefix("data: "))
        self.assertEqual(last["status"], "completed")

    def test_draws_previews_and_decodes_with_a_tae(self):
        subprocess.run([REEL, "synth", "--layout", "decoder:taew2_1.pth", "--out", self.folder / "tae"],
                       check=True, capture_output=True)
        tae = str(self.folder / "tae/taew2_1.pth")
        pictures = []
        for flags in ((), ("--preview-decoder", tae)):
            server = self.serve(*flags)
            video = server.wait_until_over(server.create())
            pictures.append((video["frames_digest"], server.ask("GET", f"/v1/videos/{video['id']}/previews/4").body))
            server.stop()
        self.assertEqual(pictures[0][0], pictures[1][0])
        self.assertNotEqual(pictures[0][1], pictures[1][1])
        server = self.serve("--vae", tae)
        video = server.wait_until_over(server.create())
        self.assertNotEqual(video["frames_digest"], pictures[0][0])
        self.assertIn("TAE", server.ask("GET", f"/v1/videos/{video['id']}/recipe").json()["model"]["decoder"].upper())

    def test_holds_a_clip_after_its_first_steps(self):
        server = self.serve()
        whole = server.wait_until_over(server.create())
        video = server.create({**SMALL, "look_after": 1})
        text = server.ask("GET", f"/v1/videos/{video}/events").body.decode()  # ends when it is held
        self.assertEqual((text.count("event: preview"), text.count("event: end")), (1, 1))
        held = server.video(video)
        self.assertEqual((held["status"], held["held"], held["previews"]), ("queued", True, 1))
        self.assertEqual(server.ask("GET", f"/v1/videos/{video}/previews/1").body[:4], b"\x89PNG")
        self.assertEqual(server.ask("GET", f"/v1/videos/{video}/content").status, 409)
        self.assertEqual(server.ask("GET", f"/v1/tasks/{video}/status").json()["status"], "pending")

        server.stop(signal.SIGKILL)
        server.start()
        self.assertTrue(server.video(video)["held"])
        going_on = server.ask("POST", f"/v1/videos/{video}/continue")
        self.assertEqual((going_on.status, going_on.json()["held"]), (200, False))
        self.assertEqual(server.wait_until_over(video)["frames_digest"], whole["frames_digest"])
        self.assertEqual(server.ask("POST", f"/v1/videos/{video}/continue").status, 409)
        self.assertEqual(server.ask("POST", "/v1/videos/nobody/continue").status, 404)
        refused = server.ask("POST", "/v1/videos", {**SMALL, "look_after": 5})
        self.assertEqual((refused.status, "look_after is 5" in refused.json()["error"]["message"]), (400, True))

    def test_speaks_as_lightx2vs_server(self):
        server = self.serve("--max-queue", "1")
        made = server.ask("POST", "/v1/tasks/video/", {
            "task_id": "one", "prompt": SMALL["prompt"], "target_shape": [32, 32], "target_video_length": 1, "seed": 7,
            "save_result_path": "sub/folder/ball"}).json()
        self.assertEqual(made, {"task_id": "one", "task_status": "pending", "save_result_path": "ball.mp4"})
        server.wait_until_over("one")
        task = server.ask("GET", "/v1/tasks/one/status").json()
        self.assertEqual((task["status"], task["save_result_path"], task["error"]), ("completed", "ball.mp4", None))
        self.assertLessEqual(task["start_time"], task["end_time"])
        result = server.ask("GET", "/v1/tasks/one/result")
        self.assertEqual(result.body[4:8], b"ftyp")
        self.assertIn('filename="ball.mp4"', result.headers["Content-Disposition"])
        self.assertEqual(server.ask("GET", "/v1/files/download/ball.mp4").body, result.body)
        self.assertEqual(server.ask("GET", "/v1/files/download/1.mp4").status, 404)
        self.assertEqual(list(server.ask("GET", "/v1/tasks/").json()), ["one"])
        self.assertEqual(server.ask("DELETE", "/v1/tasks/one").json()["stop_status"], "do_nothing")
        self.assertEqual(server.ask("POST", "/v1/tasks/", {"task_id": "one", "prompt": "a"}).status, 503)

        server.ask("POST", "/v1/tasks/", {"task_id": "two", "prompt": "a", "target_video_length": 81})
        server.wait_until_running("two")
        server.ask("POST", "/v1/tasks/", {"task_id": "three", "prompt": "a"})
        self.assertEqual(server.ask("POST", "/v1/tasks/", {"prompt": "a"}).status, 503)
        queue = server.ask("GET", "/v1/tasks/queue/status").json()
        self.assertEqual(queue, {"is_processing": True, "current_task": "two", "pending_count": 1, "active_count": 2,
                                 "queue_size": 1, "queue_available": 0})
        busy = server.ask("GET", "/v1/service/status").json()
        self.assertEqual((busy["service_status"], busy["active_tasks"], busy["total_tasks"]), ("busy", ["two"], 3))
        self.assertEqual(server.ask("DELETE", "/v1/tasks/all/running").json()["stop_status"], "success")
        for task in ("two", "three"):
            self.assertEqual(server.ask("GET", f"/v1/tasks/{task}/status").json()["status"], "cancelled")
            self.assertEqual(server.video(task)["error"]["code"], "cancelled")
            self.assertEqual(server.ask("GET", f"/v1/tasks/{task}/result").status, 404)
        self.assertEqual(server.ask("GET", "/v1/service/metadata").json()["model_path"], "reel-demo")

    def test_tells_figures(self):
        server = self.serve()
        server.wait_until_over(server.create())
        server.ask("GET", "/nowhere")
        text = server.ask("GET", "/metrics").body.decode()
        self.assertIn('reel_jobs{state="completed"} 1\n', text)
        self.assertIn('reel_http_requests_total{status="404"} 1\n', text)
        self.assertEqual(server.ask("GET", "/openapi.json").json()["openapi"], "3.1.0")

    def test_makes_a_clip_for_another_program(self):
        server = self.serve("--max-queue", "1")
        generate = [REEL, "generate", "--server", f"http://127.0.0.1:{server.port}", "--prompt", SMALL["prompt"],
                    "--size", "32x32", "--frames", "1", "--seed", "7"]

        def run(*flags):
            return subprocess.run([*generate, *flags], cwd=self.folder, env=server.environment, capture_output=True, text=True)

        made = run("--out", "clip-{seed}.mp4", "--count", "2")
        self.assertEqual((made.returncode, made.stdout), (0, "clip-7.mp4\nclip-8.mp4\n"), made.stderr)
        listed = server.ask("GET", "/v1/videos").json()["data"]
        self.assertEqual([one["seed"] for one in listed], ["8", "7"])
        self.assertEqual((self.folder / "clip-7.mp4").stat().st_size, listed[1]["bytes"])
        self.assertEqual(run("--out", "clip-7.mp4").returncode, 2)
        self.assertEqual(json.loads(run("--out", "clip-7.mp4", "--force", "--json").stdout)["path"], "clip-7.mp4")
        self.assertIn("--ram was given with --server", run("--ram", "1GiB").stderr)
        self.assertIn("refuses", run("--steps", "99999").stderr)

        before = len(server.ask("GET", "/v1/videos").json()["data"])
        waiting = subprocess.Popen([*generate[:-6], "--frames", "81"], cwd=self.folder, env=server.environment,
                                   stderr=subprocess.DEVNULL)
        while len(server.ask("GET", "/v1/videos").json()["data"]) == before:
            time.sleep(0.01)
        waiting.send_signal(signal.SIGINT)
        self.assertEqual(waiting.wait(5), 130)
        self.assertEqual(len(server.ask("GET", "/v1/videos").json()["data"]), before)
        server.stop()
        self.assertEqual(run().returncode, 9)

    def test_computes_below_what_answers(self):
        server = self.serve("--threads", "2")
        video = server.create(LARGE)
        server.wait_until_running(video)
        niceness = {}  # by thread: of those that computed, and the first, which did not
        for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
            try:
                words = (thread / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            is_first = int(thread.name) == server.process.pid
            if is_first or int(words[11]) >= 5:  # hundredths of a second
                niceness[is_first] = min(int(words[16]), niceness.get(is_first, 19))
        server.ask("DELETE", f"/v1/videos/{video}")
        self.assertGreater(niceness[False], niceness[True])

    def test_stops_a_clip_within_half_a_second(self):
        server = self.serve()
        video, after = server.create(LARGE), server.create()
        server.wait_until_running(video)
        asked = time.monotonic()
        self.assertEqual(server.ask("DELETE", f"/v1/videos/{video}").status, 200)
        server.wait(after, lambda now: now["status"] != "queued")
        self.assertLess(time.monotonic() - asked, 0.5)

    def test_survives_a_kill(self):
        server = self.serve()
        whole = server.wait_until_over(server.create(LARGE))
        cut, waiting = server.create(LARGE), server.create()
        server.wait_until_running(cut)
        server.stop(signal.SIGKILL)
        self.assertEqual(len(list((self.folder / "state/reel/jobs").iterdir())), 1)

        server.start()

        again = server.wait_until_over(cut)
        self.assertEqual(again["status"], "completed", again)
        self.assertEqual(again["frames_digest"], whole["frames_digest"])
        self.assertEqual(server.wait_until_over(waiting)["status"], "completed")
        self.assertEqual(len(server.ask("GET", "/v1/videos").json()["data"]), 3)
        names = sorted(file.name for file in (self.folder / "data/clips").iterdir())
        self.assertEqual(names, ["1.mp4", "2.mp4", "3.mp4"])

    def test_ends_when_it_is_told_and_goes_on_later(self):
        server = self.serve()
        video = server.create(LARGE)
        server.wait_until_running(video)
        asked = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - asked, 2)
        server.start()
        self.assertEqual(server.wait_until_over(video)["status"], "completed")

    def test_refuses_what_the_queue_does_not_hold(self):
        server = self.serve("--max-queue", "1")
        running = server.create(LARGE)
        server.wait_until_running(running)
        server.create()
        full = server.ask("POST", "/v1/videos", SMALL)
        self.assertEqual(full.status, 429)
        self.assertGreaterEqual(int(full.headers["Retry-After"]), 1)
        self.assertEqual(full.json()["error"]["code"], "queue_full")
        self.assertEqual(server.ask("GET", "/ready").status, 503)
        self.assertEqual(server.ask("GET", "/health").status, 200)

    def test_serves_one_folder_once(self):
        server = self.serve()
        second = subprocess.run(server.command, env=server.environment, capture_output=True, text=True)
        self.assertEqual(second.returncode, 10, second.stderr)
        self.assertIn("Another server uses", second.stderr)

    def test_shows_each_key_its_own(self):
        keys = str(self.folder / "keys")
        made = [subprocess.run([REEL, "serve", "--api-keys", keys, "--new-api-key", name], check=True,
                               capture_output=True, text=True).stdout.strip() for name in ("anna", "bert")]
        anna, bert = ({"Authorization": f"Bearer {key}"} for key in made)
        server = self.serve("--api-keys", keys)
        video = server.create(**anna)
        self.assertEqual(server.video(video, **bert)["status"], 404)
        self.assertEqual(server.ask("DELETE", f"/v1/videos/{video}", **bert).status, 404)
        self.assertEqual(server.ask("GET", "/v1/videos", **bert).json()["data"], [])
        self.assertEqual(server.ask("GET", "/v1/videos").status, 401)
        self.assertEqual(server.ask("GET", "/v1/videos", Authorization="Bearer rk-0").status, 401)
        self.assertEqual(server.ask("GET", "/health").status, 200)
        self.assertEqual(server.wait_until_over(video, **anna)["status"], "completed")


if __name__ == "__main__":
    REEL = str(Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
