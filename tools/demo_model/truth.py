# SPDX-License-Identifier: Apache-2.0
"""Writes drawn (not generated) clips of the scorer's combinations, to check the scorer itself.

    python truth.py OUT_DIR [--count 121] [--half]      # --half: 4:2:0 chroma
    python3 score.py --clips OUT_DIR --count 121        # must be >= 99 % everywhere
"""

import argparse
import os

import torch

import clips
from pictures import write_y4m
from score import chosen


def main():
    a = argparse.ArgumentParser()
    a.add_argument("out")
    a.add_argument("--count", type=int, default=121)
    a.add_argument("--half", action="store_true")
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    generator = torch.Generator().manual_seed(5)
    wanted = chosen(a.count)
    for begin in range(0, a.count, 8):
        group = wanted[begin:begin + 8]
        frames = ((clips.render(clips.sample(group, generator)) + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1)
        for i, f in enumerate(frames):
            write_y4m(f"{a.out}/{begin + i}.y4m", f.numpy(), half=a.half)


if __name__ == "__main__":
    main()
