# SPDX-License-Identifier: Apache-2.0
"""Requests that no honest client sends, to a `reel serve` that must stay up and give nothing away.
Usage: hostile_test.py REEL [TEST...]"""
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

from running_server import LARGE, SMALL, RunningServer

REEL = ""


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = self.serve()

    def tearDown(self):
        answer = self.server.ask("GET", "/health")
        self.assertEqual(answer.json(), {"status": "ok"}, "the server is no longer well")

    def serve(self, *flags) -> RunningServer:
        return self.enterContext(RunningServer(REEL, self.folder, *flags))

    def connect(self) -> socket.socket:
        return self.enterContext(socket.create_connection(("127.0.0.1", self.server.port), timeout=20))

    def say(self, data: bytes) -> bytes:
        """All that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as connection:
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may refuse before it has all
            heard = b""
            while piece := connection.recv(65536):
                heard += piece
        return heard

    def status(self, data: bytes) -> int:
        heard = self.say(data)
        return int(heard.split(b" ")[1]) if heard else 0

    def test_slow_headers_hold_nobody_up(self):
        slow = [self.connect() for _ in range(400)]
        for connection in slow:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        for _ in range(3):
            for connection in slow:
                connection.sendall(b"a")
            start = time.monotonic()
            self.assertEqual(self.server.ask("GET", "/v1/videos").status, 200)
            self.assertLess(time.monotonic() - start, 0.5)

    def test_slow_requests_end(self):
        self.server.stop()
        self.server = self.serve("--request-seconds", "1")
        body = self.connect()
        body.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        heard = b""
        end = time.monotonic() + 10
        body.settimeout(0.2)
        while b"408" not in heard and time.monotonic() < end:
            try:
                body.sendall(b" ")
                heard += body.recv(1000)
            except TimeoutError:
                pass
        self.assertIn(b"HTTP/1.1 408", heard)

    def test_more_connections_than_it_takes(self):
        idle = [self.connect() for _ in range(900)]
        self.assertEqual(self.server.ask("GET", "/health").status, 200)
        del idle

    def test_a_reader_that_does_not_read_holds_one_thread(self):
        video = self.server.wait_until_over(self.server.create())
        for _ in range(40):
            lazy = self.connect()
            lazy.sendall(f"GET /v1/videos/{video['id']}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 20)
        self.assertEqual(self.server.ask("GET", "/v1/videos").status, 200)

    def test_oversized_requests(self):
        host = b" HTTP/1.1\r\nHost: localhost\r\n"
        self.assertEqual(self.status(b"GET /" + b"a" * 5000 + host + b"\r\n"), 414)
        self.assertEqual(self.status(b"GET /" + b"a" * 50000), 431)
        self.assertEqual(self.status(b"GET /health" + host + b"X: " + b"a" * 20000 + b"\r\n\r\n"), 431)
        self.assertEqual(self.status(b"GET /health" + host + b"X: a\r\n" * 100 + b"\r\n"), 431)
        self.assertEqual(self.status(b"POST /v1/videos" + host + b"Content-Length: 300000\r\n\r\n" + b"a" * 300000), 413)
        long = self.server.ask("POST", "/v1/videos", {"prompt": "a" * 9000})
        self.assertEqual(long.status, 400)
        self.assertIn("8192", long.json()["error"]["message"])

    def test_malformed_requests(self):
        for data in (b"\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\nHost: localhost\n\n\r\n\r\n", b"\x16\x03\x01\x02\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.org\r\n\r\n",
                     b"GET http://evil.org/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            self.assertEqual(self.status(data), 400, data)
        # Where one request ends and the next begins is never a matter of opinion.
        smuggled = (b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = self.say(smuggled)
        self.assertEqual(heard.count(b"HTTP/1.1 "), 1, heard)
        self.assertIn(b" 411 ", heard)

    def test_malformed_bodies(self):
        deep = '{"prompt": ' + "[" * 100000 + "]" * 100000 + "}"
        for body in ("", "{", "[]", "5", '{"prompt": "a"', "[" * 100000, deep, '{"prompt": null}', '{"prompt": {}}'):
            answer = self.server.ask("POST", "/v1/videos", body, Content_Type="application/json")
            self.assertEqual(answer.status, 400, body[:50])
        for body in (b"", b"--b\r\n", b"--b--\r\n", b"\xff" * 1000,
                     b"--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n\xff\r\n--b--\r\n"):
            answer = self.server.ask("POST", "/v1/videos", body, Content_Type="multipart/form-data; boundary=b")
            self.assertEqual(answer.status, 400, body)
        # A line that a parser with a regex takes down the stack, letter by letter.
        long = b"--b\r\nContent-Disposition: form-data; name=\"" + b"a" * 200000 + b"\"\r\n\r\n1\r\n--b--\r\n"
        answer = self.server.ask("POST", "/v1/videos", long, Content_Type="multipart/form-data; boundary=b")
        self.assertEqual(answer.status, 400)
        for field, value in (("size", "0x0"), ("size", "-1x5"), ("size", "99999x99999"), ("seconds", "1e99"),
                             ("frames", 10**9), ("steps", -1), ("fps", 0), ("seed", -1), ("shift", "nan"),
                             ("guidance", 1e300), ("sampler", "../x"), ("prompt", "a\0b"), ("look_after", 0),
                             ("look_after", 101), ("look_after", "1e99"), ("look_after", [1])):
            answer = self.server.ask("POST", "/v1/videos", {**SMALL, field: value})
            self.assertEqual(answer.status, 400, (field, value, answer.body))

    def test_no_path_leaves_the_routes(self):
        for path in ("/../../etc/passwd", "/v1/videos/../../../etc/passwd/content", "/%2e%2e/%2e%2e/etc/passwd",
                     "/v1/videos/..%2f..%2fetc%2fpasswd/content", "/v1/videos/1/content", "/v1/videos/1.mp4/content",
                     "/v1/videos/%2e%2e/content", "//etc/passwd", "/etc/passwd", "/data/jobs.sqlite"):
            self.assertIn(self.status(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()),
                          (400, 404), path)
        video = self.server.wait_until_over(self.server.create())["id"]
        for path in (f"/v1/videos/{video}/previews/..", f"/v1/videos/{video}/previews/0",
                     f"/v1/videos/{video}/previews/99", f"/v1/videos/{video}/previews/-1",
                     f"/v1/videos/{video}/previews/1%2f..%2f2"):
            self.assertEqual(self.server.ask("GET", path).status, 404, path)
        for field in ("out", "path", "model_path", "preview_dir", "save_result_path"):
            answer = self.server.ask("POST", "/v1/videos", {**SMALL, field: "/tmp/x"})
            self.assertEqual(answer.json()["error"]["code"], "unknown_parameter")

    def test_pages_of_others_get_nothing(self):
        for host in ("evil.org", f"evil.org:{self.server.port}", "localhost.evil.org", "127.0.0.1.evil.org", ""):
            data = f"GET /v1/videos HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            self.assertEqual(self.status(data.encode()), 403, host)
        for origin in ("http://evil.org", "null", "http://localhost:1"):
            answer = self.server.ask("POST", "/v1/videos", SMALL, Origin=origin)
            self.assertEqual(answer.status, 403, origin)
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        self.assertEqual(self.server.ask("GET", "/v1/videos").json()["data"], [])

    def test_ranges_do_not_multiply(self):
        video = self.server.wait_until_over(self.server.create())
        many = "bytes=" + ",".join(["0-"] * 1000)
        answer = self.server.ask("GET", f"/v1/videos/{video['id']}/content", Range=many)
        self.assertEqual((answer.status, len(answer.body)), (200, video["bytes"]))

    def test_cancels_in_a_flood_leave_nothing(self):
        videos = [self.server.create(LARGE) for _ in range(20)]
        for video in videos:
            self.assertEqual(self.server.ask("DELETE", f"/v1/videos/{video}").status, 200)
        last = self.server.wait_until_over(self.server.create())
        self.assertEqual(last["status"], "completed")
        self.assertEqual(len(list((self.folder / "data/clips").iterdir())), 1)
        self.assertEqual(len(list((self.folder / "data/previews").iterdir())), 1)

    def test_held_clips_do_not_pile_up(self):
        self.server.stop()
        self.server = self.serve("--max-queue", "3")
        held = []
        for _ in range(8):
            held.append(self.server.create({**SMALL, "look_after": 1}))
            self.server.wait(held[-1], lambda now: now["held"])
        states = [self.server.video(video)["status"] for video in held]
        self.assertEqual(states, ["failed"] * 5 + ["queued"] * 3)
        self.assertEqual(len(list((self.folder / "data/previews").iterdir())), 3)
        for video in (held[0], "..", "..%2f..%2fetc", "video_0"):
            self.assertIn(self.server.ask("POST", f"/v1/videos/{video}/continue").status, (404, 409), video)
        going = [self.server.ask("POST", f"/v1/videos/{held[-1]}/continue").status for _ in range(20)]
        self.assertEqual((going[0], set(going[1:])), (200, {409}))  # it goes on once
        self.assertEqual(self.server.wait_until_over(held[-1])["status"], "completed")
        self.assertEqual(len(list((self.folder / "data/clips").iterdir())), 1)


if __name__ == "__main__":
    REEL = str(Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
