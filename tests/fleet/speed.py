# SPDX-License-Identifier: Apache-2.0
"""Times clips of the demo model on one node of one core and on two such nodes.

    tests/check_fleet.sh speed [CLIPS]

Nothing else should run meanwhile. Ray's own processes, the interface and this client are not bound to a
core: on two cores they take from what the nodes have, so it tells what they took, too.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

from client import Client
from local_cluster import LocalCluster, RunningFleet

CLIP: Dict[str, Any] = {"size": "128x128", "frames": 81}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(cluster: LocalCluster) -> Dict[str, float]:
    """Seconds that this machine's processors have worked: all, the replicas of the stages, the other
    processes of the cluster and the fleet."""
    busy = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    stages = {pid for name in ("TextEncoder", "Denoiser", "Decoder") for pid in cluster.replicas(name)}
    seconds = {"all": (sum(busy[:3]) + sum(busy[5:8])) * TICK_S, "stages": 0.0, "ray": 0.0}
    for pid in [*cluster.processes(), os.getpid()]:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds["stages" if pid in stages else "ray"] += (int(words[11]) + int(words[12])) * TICK_S
    return seconds


def seconds_of(client: Client, clips: int) -> float:
    began = time.monotonic()
    ids = [client.create(seed=seed, **CLIP) for seed in range(clips)]
    for at, video_id in enumerate(ids):
        # Asking costs the machine too.
        pause_s = 0.2 if at >= clips - 2 else 1.0
        while (status := client.video(video_id)["status"]) != "completed":
            if status == "failed":
                raise RuntimeError(client.video(video_id))
            time.sleep(pause_s)
    return time.monotonic() - began


def measure(cores: List[int], clips: int) -> float:
    """Clips a second."""
    replicas = str(len(cores))
    with LocalCluster(cores) as cluster, RunningFleet(
        cluster, "--text-cpus", "0.1", "--denoise-cpus", "0.7", "--decode-cpus", "0.1",
        "--text-replicas", replicas, "--denoise-replicas", replicas, "--decode-replicas", replicas,
    ) as fleet:
        client = Client(fleet.port)
        seconds_of(client, 2 * len(cores))
        before = cpu_s(cluster)
        took_s = seconds_of(client, clips)
        spent = {name: seconds - before[name] for name, seconds in cpu_s(cluster).items()}
    others = spent["all"] - spent["stages"] - spent["ray"]
    print(f"{len(cores)} nodes: {clips} clips in {took_s:.2f} s, {clips / took_s:.3f} clips/s, "
          f"{spent['stages'] / clips:.3f} s of processor time a clip. Of {os.cpu_count()} processors the stages "
          f"had {spent['stages'] / took_s:.2f}, Ray, interface and client {spent['ray'] / took_s:.2f}, "
          f"what does not belong here {others / took_s:.2f}", flush=True)
    return clips / took_s


def main() -> int:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("speed: two cores are needed", file=sys.stderr)
        return 1
    one = measure(cores[:1], clips)
    two = measure(cores[:2], clips)
    print(f"two nodes of one core make {two / one:.2f} x the clips of one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
