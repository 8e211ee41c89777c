# SPDX-License-Identifier: Apache-2.0
"""Runs the exported files through PyTorch, dequantised to float32: the slow twin of `reel generate`.

    python sample.py --prompt "a red ball moves to the right over a night sky" --seed 1 --out clip.y4m
    python sample.py --held-out 64 --out DIR            # the scorer's clips, for score.py --clips DIR

Noise is torch's CPU generator: the initial latents first, then the fresh noise of "lcm" step by step.
"""

import argparse
import os

import torch
from safetensors.torch import load_file

import common
import grammar
import sampling
import score
import tokenizer
from export import WAN_MEAN, WAN_STD
from networks import TEXT_LENGTH, TextEncoder, VideoAutoencoder, WanModel
from pictures import write_y4m
from quantise import dequantise_state

HERE = os.path.dirname(os.path.abspath(__file__))


class Exported:
    """The three networks of an exported folder in float32."""

    def __init__(self, folder, device):
        part = f"{folder}/distill_fp8"
        state = {}
        for name in sorted(os.listdir(part)):
            if name.endswith(".safetensors"):
                state |= load_file(f"{part}/{name}")
        self.device = device
        self.dit = WanModel().to(device).eval()
        self.dit.load_state_dict(dequantise_state(state))
        self.encoder = TextEncoder().to(device).eval()
        self.encoder.load_state_dict(dequantise_state(torch.load(f"{part}/models_t5_umt5-xxl-enc-fp8.pth")))
        self.vae = VideoAutoencoder().to(device).eval()
        self.vae.load_state_dict(dequantise_state(torch.load(f"{part}/Wan2.1_VAE.pth")), strict=False)
        self.tokenizer = tokenizer.load(f"{folder}/google/umt5-xxl/spiece.model")

    def text_states(self, prompts):
        """[B, rows, 256], zero rows where padded; the transformer adds the rest of the 512."""
        rows = [tokenizer.encode(self.tokenizer, p, TEXT_LENGTH) for p in prompts]
        width = min(max(map(len, rows)), TEXT_LENGTH - 1)
        return self.encoder(torch.tensor([(r + [0] * width)[:width] for r in rows], device=self.device))

    @torch.no_grad()
    def generate(self, prompts, seeds, sampler, grid=(9, 16, 16)):
        """uint8 frames [B, N, H, W, 3]."""
        noise = []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            noise.append(torch.stack([torch.randn(16, *grid, generator=generator) for _ in range(4)]))
        noise = torch.stack(noise, 1).to(self.device)
        with common.mixed(self.device):
            z, _ = sampling.student_steps(self.dit, noise[0], self.text_states(prompts).float(), sampler, noise=noise[1:])
        stats = [torch.tensor(v, device=self.device) for v in (WAN_MEAN, WAN_STD)]
        return sampling.decode(self.vae, z, *stats, common.mixed(self.device)).numpy()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--model", default=f"{HERE}/../../models/demo")
    a.add_argument("--prompt", default="a red ball moves to the right over a night sky")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--sampler", choices=("lcm", "euler"), default="lcm")
    a.add_argument("--held-out", type=int, help="make this many of the scorer's clips in the folder --out")
    a.add_argument("--half", action="store_true", help="4:2:0 chroma")
    a.add_argument("--out", default="clip.y4m")
    a = a.parse_args()
    model = Exported(a.model, common.pick_device())
    if not a.held_out:
        write_y4m(a.out, model.generate([a.prompt], [a.seed], a.sampler)[0], half=a.half)
        return
    os.makedirs(a.out, exist_ok=True)
    wanted = score.chosen(a.held_out)
    group = 64 if model.device == "cuda" else 4
    for begin in range(0, len(wanted), group):
        prompts = [grammar.plain_caption(c) for c in wanted[begin:begin + group]]
        seeds = range(a.seed + begin, a.seed + begin + len(prompts))
        for i, frames in enumerate(model.generate(prompts, seeds, a.sampler)):
            write_y4m(f"{a.out}/{begin + i}.y4m", frames, half=a.half)


if __name__ == "__main__":
    main()
