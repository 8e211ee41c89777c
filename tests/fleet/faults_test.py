# SPDX-License-Identifier: Apache-2.0
"""Replicas and whole nodes that are killed while they have a clip, and replicas that are added."""

from __future__ import annotations

import os
import signal
import time
import unittest
from typing import Any, Callable, Dict, List

import reel

from client import PROMPT, Client
from local_cluster import LocalCluster, RunningFleet

# Each step takes some tenths of a second.
SLOW: Dict[str, Any] = {"seed": 7, "size": "256x256", "frames": 49, "steps": 8}
# Its first step takes seconds.
LONG: Dict[str, Any] = {"seed": 7, "size": "512x512", "frames": 81}
PIXELS = {"seed": 7, "width": 256, "height": 256, "frames": 49, "steps": 8}
SHARES = ["--text-cpus", "0.1", "--denoise-cpus", "0.7", "--decode-cpus", "0.1"]
Video = Dict[str, Any]


def _two_cores() -> List[int]:
    cores = sorted(os.sched_getaffinity(0))
    return [cores[0], cores[-1]]


class FaultsTest(unittest.TestCase):
    expected: reel.Clip

    @classmethod
    def setUpClass(cls) -> None:
        cls.expected = reel.Pipeline(device="cpu").generate(PROMPT, **PIXELS)

    def _run(self, client: Client, is_time: Callable[[Video], bool], act: Callable[[], None]
             ) -> List[Video]:
        """What is told of a clip that something happens to."""
        told, has_acted = [], False
        for video in client.videos_of_events(client.create(**SLOW)):
            told.append(video)
            if not has_acted and is_time(video):
                has_acted = True
                act()
        self.assertTrue(has_acted)
        self.assertEqual(told[-1]["status"], "completed", told[-1])
        self.assertEqual(told[-1]["frames_digest"], self.expected.frames_digest)
        recipe = client.ask("GET", f"/v1/videos/{told[-1]['id']}/recipe").json()
        self.assertEqual(recipe["model"], self.expected.recipe["model"])
        return told

    def _check_goes_on(self, told: List[Video]) -> None:
        """It denoised on from a step that was taken, and lost no step that was told."""
        restarted = [video for video in told if video["restarts"] > 0]
        before = [video["done"] for video in told
                  if video["restarts"] == 0 and video["phase"] == "denoise"]
        after = [video["done"] for video in restarted if video["phase"] == "denoise"]
        print(f"steps done when the replica was lost: {max(before)}; told afterwards: "
              f"{sorted(set(after))}", flush=True)
        self.assertGreaterEqual(max(before), 2)
        self.assertLess(max(before), SLOW["steps"])
        self.assertGreaterEqual(min(after), max(before))

    def _kill(self, cluster: LocalCluster, name: str) -> None:
        pids = cluster.replicas(name)
        self.assertTrue(pids)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def test_a_killed_replica_loses_nothing(self) -> None:
        with LocalCluster(_two_cores()) as cluster, RunningFleet(cluster, *SHARES) as fleet:
            client = Client(fleet.port)
            with self.subTest("of the denoiser, in a step"):
                self._check_goes_on(self._run(
                    client, lambda video: video["phase"] == "denoise" and video["done"] >= 2,
                    lambda: self._kill(cluster, "Denoiser")))
            with self.subTest("of the decoder, in its work"):
                told = self._run(
                    client, lambda video: video["phase"] == "decode" and video["done"] >= 5,
                    lambda: self._kill(cluster, "Decoder"))
                self.assertEqual(told[-1]["restarts"], 1)
            with self.subTest("of the text encoder, before it is asked"):
                self._kill(cluster, "TextEncoder")
                self._run(client, lambda video: True, lambda: None)
            with self.subTest("clips that wait are made"):
                ids = [client.create(seed=seed, frames=5) for seed in range(6)]
                self._kill(cluster, "Denoiser")
                ended = [client.wait_until_ended(video_id) for video_id in ids]
                self.assertEqual({video["status"] for video in ended}, {"completed"}, ended)
                self.assertEqual(len({video["frames_digest"] for video in ended}), 6)

    def test_a_killed_node_loses_nothing(self) -> None:
        cores = _two_cores()
        with LocalCluster(cores) as cluster, RunningFleet(cluster, *SHARES) as fleet:
            self._check_goes_on(self._run(
                Client(fleet.port),
                lambda video: video["phase"] == "denoise" and video["done"] >= 2,
                lambda: cluster.kill_node(cluster.replicas("Denoiser")[0])))

    def test_a_clip_that_kills_its_replicas_fails(self) -> None:
        with LocalCluster(_two_cores()) as cluster, RunningFleet(cluster, *SHARES) as fleet:
            client = Client(fleet.port)
            kills = -1
            for video in client.videos_of_events(client.create(**LONG)):
                if video["phase"] == "denoise" and video["restarts"] > kills:
                    self.assertEqual(video["done"], 0)
                    kills = video["restarts"]
                    self._kill(cluster, "Denoiser")
            self.assertEqual((video["status"], video["restarts"]), ("failed", 2))
            self.assertEqual(video["error"], {
                "code": "replica_lost",
                "message": "The denoise stage of this clip lost its replica 3 times."})
            following = client.wait_until_ended(client.create(seed=1, frames=5))
            self.assertEqual(following["status"], "completed")

    def test_a_killed_interface_begins_anew(self) -> None:
        with LocalCluster(_two_cores()) as cluster, RunningFleet(cluster, *SHARES) as fleet:
            client = Client(fleet.port)
            client.create(**LONG)
            self._kill(cluster, "Api")
            end = time.monotonic() + 60
            while client.ask("GET", "/ready").status != 200 and time.monotonic() < end:
                time.sleep(0.2)
            self.assertEqual(client.ask("GET", "/v1/videos").json()["data"], [])
            # What it had asked for does not keep the only denoiser.
            video = client.wait_until_ended(client.create(seed=1, frames=5), 60)
            self.assertEqual(video["status"], "completed")

    def test_replicas_are_added_while_clips_wait(self) -> None:
        with LocalCluster(_two_cores()) as cluster, RunningFleet(
            cluster, *SHARES, "--denoise-replicas", "1..2"
        ) as fleet:
            client = Client(fleet.port)
            self.assertEqual(len(cluster.replicas("Denoiser")), 1)
            began = time.monotonic()
            ids = [client.create(**LONG) for _ in range(4)]
            while len(cluster.replicas("Denoiser")) < 2 and time.monotonic() - began < 60:
                time.sleep(0.2)
            print(f"a second denoiser started {time.monotonic() - began:.1f} s after clips waited",
                  flush=True)
            self.assertEqual(len(cluster.replicas("Denoiser")), 2)
            for video_id in ids:
                client.ask("DELETE", f"/v1/videos/{video_id}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
