# SPDX-License-Identifier: Apache-2.0
"""Reel beside cuBLASLt, cuDNN and PyTorch on a GPU, in one run.

Usage: peers.py --reel PROGRAM --model FOLDER --results FILE [--rounds 2] [--limit 240] [--commit ID]

Reel's ops (`reel bench`), PyTorch's (torch_peer.py), a clip of Reel's and a DiT step and a VAE decode
of PyTorch's take turns, each in a process of its own. The model is a checkpoint of the 14B, random
weights will do. Runs under a Python with PyTorch on the GPU; DiT and VAE need diffusers too.
A peer that takes longer than --limit seconds, compilation included, or fails is named with its end.
"""
import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from driver import Nvml

HERE = Path(__file__).resolve().parent
CLIP = ["--size", "480p", "--frames", "81", "--seed", "1", "--no-cache", "--device", "cuda:0",
        "--prompt", "a lighthouse in a storm, waves breaking over the rocks", "--json", "--force"]


def ask(words: list[str], limit_s: float) -> dict:
    """The JSON that a program prints, or `failed` with how it ended."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {limit_s:.0f} s"}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"failed": f"exit {done.returncode}: {last[:300]}"}
    return json.loads(done.stdout if done.stdout.startswith("{\n")
                      else done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reel", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=float, default=240)
    parser.add_argument("--commit", default="")
    args = parser.parse_args()

    nvml = Nvml()
    report = {"kind": "peers on a GPU", "machine": {"gpu": nvml.name(), "driver": nvml.driver()},
              "command": f"bench/gpu/peers.py --rounds {args.rounds} --limit {args.limit:.0f}", "commit": args.commit,
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
              "rounds": []}
    with tempfile.TemporaryDirectory() as folder:
        torch = [sys.executable, str(HERE / "torch_peer.py"), "--case"]
        programs = {
            "reel_ops": [args.reel, "bench", "--device", "cuda:0", "--json"],
            "peer_ops": [*torch, "ops"],
            "reel_clip": [args.reel, "generate", "--model", args.model, *CLIP, "--out",
                          f"{folder}/clip.y4m"],
            "peer_dit": [*torch, "dit", "--compiled"],
            "peer_vae": [*torch, "vae"],
            "peer_vae_compiled": [*torch, "vae", "--compiled"],
        }
        for _ in range(args.rounds):
            found = {}
            report["rounds"].append(found)
            for name, words in programs.items():
                found[name] = ask(words, args.limit)
                print(f"{name}: {json.dumps(found[name])[:200]}", file=sys.stderr, flush=True)
                args.results.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
