# SPDX-License-Identifier: Apache-2.0
"""How many replicas of each stage there are, and what each may take of its machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, Tuple

from .keys import ApiKeys

STAGES = ("text", "denoise", "decode")


@dataclass(frozen=True)
class StageSettings:
    """Of one stage.

    Attributes:
        least, most: replicas. More than ``least`` run while clips wait.
        cpus, gpus: what a replica takes of a machine; a fraction of a GPU lets others share it, and
            without one it computes on the CPU.
        vram_bytes: of GPU memory that a replica may use; 0: all that is free when it begins a clip.
        threads: of a replica that computes on the CPU; 0: as many as ``cpus``, rounded up.
    """

    least: int = 1
    most: int = 1
    cpus: float = 1
    gpus: float = 0
    vram_bytes: int = 0
    threads: int = 0

    def most_replicas(self) -> int:
        return max(self.least, self.most)

    def deployment_options(self) -> Dict[str, Any]:
        """For ``serve.deployment``. A replica makes one clip at a time; those that wait make Serve
        start another."""
        options = {
            "max_ongoing_requests": 1,
            "health_check_period_s": 5,
            "graceful_shutdown_timeout_s": 5,
            "ray_actor_options": {"num_cpus": self.cpus, "num_gpus": self.gpus},
        }
        if self.most <= self.least:  # counting requests would cost for nothing
            return {**options, "num_replicas": self.least}
        scaling = {
            "min_replicas": self.least,
            "max_replicas": self.most,
            "target_ongoing_requests": 1,
            "metrics_interval_s": 1,
            "look_back_period_s": 3,
            "upscale_delay_s": 2,
            "downscale_delay_s": 60,
        }
        return {**options, "autoscaling_config": scaling}

    def stages_options(self, model: Dict[str, Any]) -> Dict[str, Any]:
        """The arguments of :class:`reel.Stages` on a replica."""
        # Ray shows a replica its own GPUs alone, counted from 0.
        devices = ",".join(f"cuda:{number}" for number in range(math.ceil(self.gpus)))
        return {
            **model,
            "device": devices or "cpu",
            "threads": self.threads or max(1, math.ceil(self.cpus)),
            "vram_bytes": self.vram_bytes,
        }


@dataclass(frozen=True)
class FleetSettings:
    """Of a fleet.

    Attributes:
        model: the arguments of :class:`reel.Stages` but for device, threads and memory. Paths are
            the same on every machine.
        text, denoise, decode: the stages.
        host_names: that a request's ``Host`` may be besides ``localhost`` and addresses.
        keys: of which a request needs one; empty: it needs none.
        most_waiting: clips that may wait; beyond them a request is answered with 429.
        most_kept: finished clips that are kept, in memory; the oldest go.
        attempts: how often a stage may lose its replica, each time without a step done, before its
            clip has failed.
    """

    model: Dict[str, Any] = field(default_factory=dict)
    text: StageSettings = StageSettings(cpus=0.2)
    denoise: StageSettings = StageSettings(cpus=0.6)
    decode: StageSettings = StageSettings(cpus=0.2)
    host_names: Tuple[str, ...] = ()
    keys: ApiKeys = ApiKeys()
    most_waiting: int = 64
    most_kept: int = 100
    attempts: int = 3

    def stage(self, name: str) -> StageSettings:
        """One of :data:`STAGES`."""
        of: StageSettings = getattr(self, name)
        return of

    def most_begun(self) -> int:
        """Clips that are under way at once: one in each denoiser that there may be, and as many with
        their text encoded or their latents decoded. Their requests are what Serve scales by."""
        return 2 * self.denoise.most_replicas()
