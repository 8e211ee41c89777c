# SPDX-License-Identifier: Apache-2.0
"""What ``python -m reel.fleet`` says when it cannot start, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List

from reel.fleet import FleetSettings
from reel.fleet.settings import StageSettings
from reel.fleet.start import StartFailure, check_room

from client import Client
from local_cluster import LocalCluster, RunningFleet, free_port

# Debian's, which has no Ray: the module of `make build` is for it.
BARE_PYTHON = "/usr/bin/python3"
PAGE = Path(__file__).parents[2] / "docs/FLEET.md"


def run(*flags: str, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, "-m", "reel.fleet", "--port", str(free_port()), *flags],
                          capture_output=True, text=True, timeout=120)


class RefusalTest(unittest.TestCase):
    def check(self, flags: List[str], code: int, words: str, **options: Any) -> None:
        ended = run(*flags, **options)
        self.assertEqual(ended.returncode, code, ended.stderr)
        self.assertEqual(ended.stdout, "")
        self.assertIn(words, ended.stderr)
        said = [line for line in ended.stderr.splitlines() if line.startswith("reel.fleet: ")]
        self.assertEqual(len(said), 1, ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)

    @unittest.skipUnless(os.path.exists(BARE_PYTHON), "no other Python")
    def test_ray_is_missing(self) -> None:
        self.check([], 4, "Ray is missing (ray). Install it with: pip install 'reel[ray]'",
                   python=BARE_PYTHON)

    def test_no_cluster_answers(self) -> None:
        address = f"127.0.0.1:{free_port()}"
        self.check(["--address", address], 9, f'No Ray cluster answers at "{address}"')
        self.check(["--address", "somewhere"], 9, 'No Ray cluster answers at "somewhere"')

    def test_there_is_no_model(self) -> None:
        self.check(["--model", "/nowhere/model"], 4, "/nowhere/model")

    def test_the_port_is_taken(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.check(["--port", str(port)], 10, f"Cannot listen on 127.0.0.1:{port}")

    def test_flags_are_wrong(self) -> None:
        for flags, words in (
            (["--denoise-replicas", "4..1"], 'neither a number like 2 nor a range like "1..4"'),
            (["--text-gpus", "some"], "no number like 1 or 0.2"),
            (["--text-gpus", "1.5"], "neither a part of one GPU nor a number of whole ones"),
            (["--max-queue", "-1"], "no number like 4"),
            (["--decode-vram", "much"], "no size like 6, 6GiB or 600MB"),
        ):
            ended = run(*flags)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(words, ended.stderr)

    def test_the_page_has_its_flags(self) -> None:
        has = set(re.findall(r"--[a-z-]+", run("--help").stdout)) - {"--help"}
        table = re.findall(r"^\| (`--.*?) \|", PAGE.read_text(), re.M)
        self.assertEqual(has, set(re.findall(r"--[a-z-]+", " ".join(table))))

    def test_there_is_no_room(self) -> None:
        def refusal(settings: FleetSettings, *rooms: Dict[str, float]) -> StartFailure:
            with self.assertRaises(StartFailure) as caught:
                check_room(settings, [{"Alive": True, "Resources": room} for room in rooms])
            return caught.exception

        one_gpu = FleetSettings(denoise=StageSettings(gpus=0.8))
        check_room(one_gpu, [{"Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0}}])
        failure = refusal(one_gpu, {"CPU": 4.0}, {"CPU": 2.0})
        self.assertEqual(failure.exit_code, 3)
        self.assertIn("No machine of the Ray cluster has the 0.8 GPUs of a denoise replica; 0 is the "
                      "most.", str(failure))
        failure = refusal(FleetSettings(denoise=StageSettings(least=5)), {"CPU": 2.0}, {"CPU": 2.0})
        self.assertIn("All replicas together need 5.4 processors; the Ray cluster has 4.", str(failure))
        self.assertEqual(refusal(FleetSettings()).exit_code, 9)


class EndTest(unittest.TestCase):
    def test_a_signal_ends_it_and_leaves_the_cluster(self) -> None:
        core = min(os.sched_getaffinity(0))
        with LocalCluster([core]) as cluster:
            self.assertEqual(run("--address", cluster.address, "--denoise-cpus", "64").returncode, 3)
            for _ in range(2):  # what the first leaves does not stop a second
                fleet = RunningFleet(cluster, "--denoise-cpus", "0.5")
                video = Client(fleet.port).create(frames=1)
                self.assertEqual(Client(fleet.port).wait_until_ended(video)["status"], "completed")
                self.assertEqual(fleet.stop(), 0)
                self.assertEqual(cluster.replicas(""), [])

    def test_it_starts_a_cluster_of_its_own(self) -> None:
        port = free_port()
        with tempfile.TemporaryFile() as log:
            fleet = subprocess.Popen([sys.executable, "-m", "reel.fleet", "--port", str(port)],
                                     stdout=subprocess.PIPE, stderr=log, text=True)
            assert fleet.stdout is not None
            self.assertEqual(fleet.stdout.readline().strip(), f"http://127.0.0.1:{port}")
            video = Client(port).create(frames=1)
            self.assertEqual(Client(port).wait_until_ended(video)["status"], "completed")
            began = time.monotonic()
            fleet.send_signal(signal.SIGINT)
            self.assertEqual(fleet.wait(60), 0)
            fleet.stdout.close()
            print(f"ended {time.monotonic() - began:.1f} s after Ctrl-C", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
