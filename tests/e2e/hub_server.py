# SPDX-License-Identifier: Apache-2.0
"""A hub for tests on this machine, and the second host that it redirects large files to.

Usage: hub_server.py ROOT FAULTS PORTS LOG

ROOT/<organisation>/<repository>/... is what it serves. FAULTS is a JSON list; each fault has "match",
part of "hub /path" or "cdn /path", "kind", and "times" (default: always), and spoils the requests that
match. PORTS gets {"hub": ..., "cdn": ...} once it listens. Every request is a JSON line in LOG. It
also answers as a proxy: an absolute address in a request is served whatever its host.
"""
import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT, FAULTS, PORTS, LOG = (Path(word) for word in sys.argv[1:5])
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1 << 20
faults = json.loads(FAULTS.read_text())
lock = threading.Lock()


def take_fault(where):
    with lock:
        for fault in faults:
            if fault["match"] in where and fault.get("times", 1) > 0:
                if "times" in fault:
                    fault["times"] -= 1
                return fault
    return {"kind": ""}


def describe(path, repository):
    data = path.read_bytes()
    entry = {"type": "file", "path": path.relative_to(repository).as_posix(), "size": len(data),
             "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
    if len(data) >= LARGE:
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data),
                        "pointerSize": 134}
    return entry


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def record(self, status):
        line = json.dumps({"server": self.server.name, "path": self.path, "status": status,
                           "range": self.headers.get("Range"),
                           "token": self.headers.get("Authorization")})
        with lock, LOG.open("a") as log:
            log.write(line + "\n")

    def answer(self, status, body=b"", headers=()):
        self.record(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        fault = take_fault(f"{self.server.name} {path}?{parts.query}")
        kind = fault["kind"]
        if kind == "status":
            headers = list(fault.get("headers", {}).items())
            return self.answer(fault["status"], b"no", headers)
        if kind == "redirect":
            return self.answer(302, b"", [("Location", fault["to"].replace("SELF", self.path))])
        if kind == "silence":
            self.record(0)
            return self.wait()
        if kind == "text":
            return self.answer(200, fault["text"].encode(), list(fault.get("headers", {}).items()))
        if path.startswith("/api/models/"):
            return self.answer_api(path, parts.query, fault)
        if self.server.name == "hub":
            organisation, name, _, _, file = path[1:].split("/", 4)
            return self.answer_file(ROOT / organisation / name / file, fault)
        return self.answer_cdn(path, fault)

    def answer_api(self, path, query, fault):
        organisation, name, action = path.split("/")[3:6]
        repository = ROOT / organisation / name
        if not repository.is_dir():
            return self.answer(401, b"", [("X-Error-Code", "RepoNotFound")])
        if action == "revision":
            if not path.endswith(("/main", "/v1", "/v1.0", COMMIT)):
                return self.answer(404, b"", [("X-Error-Code", "RevisionNotFound")])
            return self.answer(200, json.dumps({"id": f"{organisation}/{name}",
                                                "sha": COMMIT}).encode())
        entries = [describe(each, repository) for each in sorted(repository.rglob("*"))
                   if each.is_file()]
        if fault["kind"] == "size":
            for entry in entries:
                entry["size"] += fault["more"]
                if "lfs" in entry:
                    entry["lfs"]["size"] += fault["more"]
        headers = []
        if fault["kind"] == "pages":  # one file a page
            page = int(query.rpartition("cursor=")[2]) if "cursor=" in query else 0
            if page + 1 < len(entries):
                url = f"http://127.0.0.1:{ports['hub']}{path}?cursor={page + 1}"
                headers.append(("Link", f'<{url}>; rel="next"'))
            entries = entries[page:page + 1]
        entries.insert(0, {"type": "directory", "oid": "0" * 40, "size": 0, "path": "folder"})
        return self.answer(200, json.dumps(entries).encode(), headers)

    # Small files come from the hub itself, large ones from the other host.
    def answer_file(self, path, fault):
        if not path.is_file():
            return self.answer(404, b"", [("X-Error-Code", "EntryNotFound")])
        data = path.read_bytes()
        if len(data) < LARGE or fault["kind"] == "direct":
            etag = f'"{fault["etag"]}"' if fault["kind"] == "direct" else \
                f'"{hashlib.sha1(b"blob %d" % len(data) + bytes(1) + data).hexdigest()}"'
            return self.send_data(data, fault, etag)
        digest = fault.get("linked", hashlib.sha256(data).hexdigest())
        location = f"http://127.0.0.1:{ports['cdn']}/{path.relative_to(ROOT).as_posix()}?signed=1"
        return self.answer(302, b"", [("Location", location), ("X-Linked-Etag", f'"{digest}"'),
                                      ("X-Linked-Size", str(len(data)))])

    def answer_cdn(self, path, fault):
        return self.send_data((ROOT / path[1:]).read_bytes(), fault, '"of-the-cdn"')

    def send_data(self, data, fault, etag):
        kind = fault["kind"]
        first, last, status = 0, len(data) - 1, 200
        wanted = self.headers.get("Range")
        if wanted and kind != "ignore_range":
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or last), last), 206
        body = bytearray(data[first:last + 1])
        if kind == "corrupt" and body:
            body[len(body) // 2] ^= 1
        self.record(status)
        self.send_response(status)
        self.send_header("ETag", etag)
        told = len(body) + fault.get("more", 0) if kind == "length" else len(body)
        self.send_header("Content-Length", str(told))
        if status == 206:
            shift = 7 if kind == "other_range" else 0
            self.send_header("Content-Range", f"bytes {first + shift}-{last + shift}/{len(data)}")
        self.end_headers()
        self.send_body(body, fault)

    def send_body(self, body, fault):
        kind = fault["kind"]
        try:
            if kind in ("truncate", "stall"):
                self.wfile.write(body[:fault["after"]])
                self.wfile.flush()
                if kind == "stall":
                    self.wait()
                self.close_connection = True
                return
            step = 64 << 10
            for at in range(0, len(body), step):
                self.wfile.write(body[at:at + step])
                if kind == "slow":
                    time.sleep(step / fault["bytes_per_second"])
            if kind == "length":
                self.close_connection = True
        except OSError:
            self.close_connection = True

    def wait(self):
        time.sleep(60)
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


servers = {}
for name in ("hub", "cdn"):
    servers[name] = Server(("127.0.0.1", 0), Handler)
    servers[name].name = name
ports = {name: server.server_address[1] for name, server in servers.items()}
for server in servers.values():
    threading.Thread(target=server.serve_forever, daemon=True).start()
temporary = PORTS.with_suffix(".part")
temporary.write_text(json.dumps(ports))
temporary.rename(PORTS)
threading.Event().wait()
