# SPDX-License-Identifier: Apache-2.0
"""Accuracy over held-out clips by precision and sampler: averaged weights, and the same through 8 bits.

    python evaluate.py --from OUT [--student OUT/student.pt] [--count 121] [--seeds 2] [--sheet DIR]
"""

import argparse
import multiprocessing
import os

import torch

import common
import score
import tokenizer
import train_vae
from distill import examine
from networks import TextEncoder, VideoAutoencoder, WanModel
from pictures import contact_strip, write_png
from quantise import quantised_state
from train_dit import SPIECE


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--from", dest="source", default="out", help="folder with vae.pt, vae_encoder.pt, encoder.pt")
    a.add_argument("--student")
    a.add_argument("--count", type=int, default=121)
    a.add_argument("--seeds", type=int, default=2)
    a.add_argument("--sheet", help="folder for contact sheets of the fp8 clips")
    a.add_argument("--log")
    a = a.parse_args()
    pool = multiprocessing.get_context("fork").Pool(min(12, os.cpu_count()))
    device = common.pick_device()
    vae = VideoAutoencoder().to(device).eval()
    stats = [v.to(device) for v in train_vae.load(vae, a.source)]
    text, clip = torch.load(f"{a.source}/encoder.pt"), torch.load(a.student or f"{a.source}/student.pt")
    processor = tokenizer.load(SPIECE)
    encoder, dit = TextEncoder().to(device).eval(), WanModel().to(device).eval()
    for kind in ("bf16", "fp8", "int8"):
        through = (lambda s, d=torch.float32: s) if kind == "bf16" else (lambda s, d=torch.float32: quantised_state(s, kind, d))
        common.load(encoder, through(text, torch.bfloat16))
        common.load(dit, through(clip))
        for sampler in ("euler", "lcm"):
            total = {}
            for seed in range(a.seeds):
                hits, frames = examine(dit, vae, stats, encoder, processor, device, a.count, sampler, 100 + seed, pool)
                total = {k: total.get(k, 0) + v / a.seeds for k, v in hits.items()}
            common.log(a.log, weights=kind, sampler=sampler, clips=a.count * a.seeds, **total)
            if a.sheet and kind == "fp8":
                write_png(f"{a.sheet}/sheet_{sampler}.png", score.stack([contact_strip(f) for f in frames[:32]]))


if __name__ == "__main__":
    main()
