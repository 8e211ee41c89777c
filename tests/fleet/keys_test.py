# SPDX-License-Identifier: Apache-2.0
"""A fleet that other machines can reach, with the key file of `reel serve`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import reel.program

from client import Client
from local_cluster import LocalCluster, RunningFleet

OPEN = ("/", "/page/app.js", "/health", "/ready")
LOCKED = (
    ("POST", "/v1/videos"),
    ("GET", "/v1/videos"),
    ("GET", "/v1/videos/ID"),
    ("DELETE", "/v1/videos/ID"),
    ("POST", "/v1/videos/ID/continue"),
    ("GET", "/v1/videos/ID/content"),
    ("GET", "/v1/videos/ID/events"),
    ("GET", "/v1/videos/ID/previews/1"),
    ("GET", "/v1/videos/ID/recipe"),
    ("POST", "/v1/plans"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/reel-demo"),
    ("GET", "/metrics"),
)


class KeysTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.anna, self.ben = (self._make_key(folder / "keys", name) for name in ("anna", "ben"))
        cluster = self.enterContext(LocalCluster([min(os.sched_getaffinity(0))]))
        fleet = self.enterContext(RunningFleet(
            cluster, "--denoise-cpus", "0.5", "--api-keys", str(folder / "keys"), host="0.0.0.0"))
        self.client = Client(fleet.port)

    def _make_key(self, file: Path, name: str) -> str:
        made = subprocess.run(
            [reel.program.path(), "serve", "--api-keys", str(file), "--new-api-key", name],
            capture_output=True, text=True, check=True)
        return f"Bearer {made.stdout.strip()}"

    def test_clips_belong_to_their_keys(self) -> None:
        anna, ben = self.anna, self.ben
        created = self.client.ask("POST", "/v1/videos", {"prompt": "a", "frames": 1},
                                  Authorization=anna)
        self.assertEqual(created.status, 200, created.body)
        video = created.json()["id"]
        for method, path in LOCKED:
            path = path.replace("ID", video)
            body = {"prompt": "a"} if method == "POST" else None
            with self.subTest(f"{method} {path}"):
                for given in ({}, {"Authorization": f"{anna}x"}):
                    refused = self.client.ask(method, path, body, **given)
                    self.assertEqual(refused.status, 401)
                    self.assertEqual(refused.json()["error"]["code"], "invalid_api_key")
                    self.assertEqual(refused.headers["www-authenticate"], "Bearer")
                if video in path:
                    self.assertEqual(
                        self.client.ask(method, path, body, Authorization=ben).status, 404)
        for path in OPEN:
            self.assertEqual(self.client.ask("GET", path).status, 200, path)
        for key, ids in ((anna, [video]), (ben, [])):
            listed = self.client.ask("GET", "/v1/videos", Authorization=key).json()["data"]
            self.assertEqual([one["id"] for one in listed], ids)
        evil = self.client.ask("GET", "/v1/videos", Authorization=anna, Host="evil.example.org")
        self.assertEqual(evil.status, 403)
        deleted = self.client.ask("DELETE", f"/v1/videos/{video}", Authorization=anna)
        self.assertEqual(deleted.status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
