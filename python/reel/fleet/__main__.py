# SPDX-License-Identifier: Apache-2.0
"""Starts the fleet on a Ray cluster and stays until Ctrl-C."""

from __future__ import annotations

import argparse
import re
import sys
from typing import List, Optional, Tuple

from .settings import FleetSettings, StageSettings
from .start import StartFailure, load_keys, serve_until_stopped

_STAGE_WORDS = {"text": "text encoder", "denoise": "DiT", "decode": "decoder"}


def _replicas(text: str) -> Tuple[int, int]:
    """"2" or "1..4"."""
    match = re.fullmatch(r"(\d{1,4})(?:\.\.(\d{1,4}))?", text, re.ASCII)
    least, most = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= least <= most:
        raise argparse.ArgumentTypeError(f'{text!r} is neither a number like 2 nor a range like "1..4"')
    return least, most


def _bytes(text: str) -> int:
    """"12", "12GB" or "12GiB": as the program's --vram."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(GiB|GB|MiB|MB)?", text, re.ASCII)
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size like 6, 6GiB or 600MB")
    units = {"GB": 10**9, "MB": 10**6, "MiB": 2**20}
    return int(float(match[1]) * units.get(match[2], 2**30))


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is no number like 1 or 0.2")
    return share


def _count(text: str) -> int:
    if re.fullmatch(r"\d{1,6}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number like 4")
    return int(text)


def _gpus(text: str) -> float:
    gpus = _share(text)
    if gpus > 1 and gpus != int(gpus):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a part of one GPU nor a number of whole ones")
    return gpus


def _parse(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m reel.fleet", description=__doc__)
    parser.add_argument("--model", default="", help="as for reel serve; default: the demo model")
    parser.add_argument("--address", help="of a Ray cluster, HOST:PORT or auto; default: a new one "
                                          "on this machine")
    parser.add_argument("--host", default="127.0.0.1",
                        help="the address to listen on; 0.0.0.0 is for other machines too, and needs "
                             "--api-keys")
    parser.add_argument("--port", type=_count, default=8000)
    parser.add_argument("--api-keys", default="", metavar="FILE",
                        help="a file of keys, as reel serve's; without one only this machine is served")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                        help="a name that clients use for this server")
    parser.add_argument("--max-queue", type=_count, default=64, metavar="N", help="clips that may wait")
    for name, words in _STAGE_WORDS.items():
        default = FleetSettings().stage(name)
        parser.add_argument(f"--{name}-replicas", type=_replicas, default=(1, 1), metavar="N",
                            help=f'of the {words}; "1..4" starts more while clips wait')
        parser.add_argument(f"--{name}-cpus", type=_share, default=default.cpus, metavar="X",
                            help=f"processors of a replica; default: {default.cpus:g}")
        parser.add_argument(f"--{name}-gpus", type=_gpus, default=0.0, metavar="X",
                            help="GPUs of a replica; 0.2 shares one with others; default: 0, the CPU")
        parser.add_argument(f"--{name}-vram", type=_bytes, default=0, metavar="SIZE",
                            help="GPU memory of a replica, as 6GiB; default: all that is free")
    parser.add_argument("--threads", type=_count, default=0, metavar="N",
                        help="of a replica on a CPU; default: its processors, rounded up")
    return parser.parse_args(arguments)


def _settings(given: argparse.Namespace) -> FleetSettings:
    """Raises StartFailure."""

    def stage(name: str) -> StageSettings:
        least, most = getattr(given, f"{name}_replicas")
        return StageSettings(
            least=least,
            most=most,
            cpus=getattr(given, f"{name}_cpus"),
            gpus=getattr(given, f"{name}_gpus"),
            vram_bytes=getattr(given, f"{name}_vram"),
            threads=given.threads,
        )

    return FleetSettings(
        model={"model": given.model},
        text=stage("text"),
        denoise=stage("denoise"),
        decode=stage("decode"),
        host_names=(*given.allow_host, given.host),
        keys=load_keys(given.host, given.api_keys),
        most_waiting=given.max_queue,
    )


def main(arguments: Optional[List[str]] = None) -> int:
    """The program. Returns its exit code; docs/FLEET.md lists them."""
    given = _parse(arguments)
    try:
        serve_until_stopped(_settings(given), given.address, given.host, given.port)
    except StartFailure as failure:
        print(f"reel.fleet: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:  # before the fleet answers
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
