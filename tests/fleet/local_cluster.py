# SPDX-License-Identifier: Apache-2.0
"""Ray nodes on this machine, each as much of a machine of its own as one system allows, and a fleet
on them as its user starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional

from ray.cluster_utils import Cluster
from reel.fleet.start import SPARING_RAY

_MARK = "REEL_FLEET_TEST"  # in the environment of every process of a cluster
_STORE_BYTES = 100 * 1024 * 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalCluster:
    """A head that computes nothing, and nodes of one processor.

    Args:
        cores: one node each; its processes run on that core of this machine alone.
    """

    def __init__(self, cores: List[int]) -> None:
        self._mark = uuid.uuid4().hex
        os.environ.update({_MARK: self._mark, **SPARING_RAY})
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "num_gpus": 0, "object_store_memory": _STORE_BYTES,
                            "include_dashboard": False},
        )
        self.nodes: List[Any] = []
        for core in cores:
            self.add_node(core)
        self.address: str = self._cluster.address

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()

    def add_node(self, core: int) -> Any:
        """Of one processor, which is that core."""
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # what the node starts inherits it
        try:
            node = self._cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=_STORE_BYTES)
        finally:
            os.sched_setaffinity(0, allowed)
        self.nodes.append(node)
        return node

    def processes(self, words: str = "") -> List[int]:
        """Of the cluster, and of what was started on it; those with the words in their titles."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if words.encode() in (process / "cmdline").read_bytes():
                    if f"{_MARK}={self._mark}".encode() in (process / "environ").read_bytes():
                        found.append(int(process.name))
            except OSError:
                continue
        return found

    def replicas(self, name: str) -> List[int]:
        """Processes of a deployment."""
        return self.processes(f"ServeReplica:reel:{name}")

    def kill_node(self, pid: int) -> None:
        """The node that a process runs on, as if its power was cut: its raylet and all workers."""
        raylet = _parent(pid)
        workers = [int(process.name) for process in Path("/proc").glob("[0-9]*")
                   if _parent(int(process.name)) == raylet]
        for one in [raylet, *workers]:
            _kill(one)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class RunningFleet:
    """``python -m reel.fleet`` on a cluster, with the demo model on the CPU.

    Args:
        host: the address that it listens on.
    """

    def __init__(self, cluster: LocalCluster, *flags: str, host: str = "127.0.0.1") -> None:
        self.port = free_port()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reel.fleet", "--address", cluster.address,
             "--host", host, "--port", str(self.port), *flags],
            stdout=subprocess.PIPE, stderr=self._log, text=True,
        )
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        if url != f"http://{host}:{self.port}":
            self._log.seek(0)
            said = self._log.read()
            self.stop()
            raise RuntimeError(f"no fleet: {url} {said}")

    def __enter__(self) -> RunningFleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Optional[int]:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        return self._process.returncode
