# SPDX-License-Identifier: Apache-2.0
"""Writes the trained networks as a 4-step distilled FP8 checkpoint folder (block files, T5 and VAE .pth).

    python export.py --from OUT --to ../../models/demo

The runtime multiplies latents by Wan's own standard deviations and adds Wan's means before `conv2`. Our
latents have other statistics, so the affine map between the two is folded into `conv2`, exactly.
"""

import argparse
import json
import os

import torch
from safetensors.torch import save_file

from quantise import is_quantised, quantise

WAN_MEAN = (-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
            0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921)
WAN_STD = (2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
           3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160)

CONFIG = {
    "model_type": "t2v", "dim": 256, "ffn_dim": 1024, "freq_dim": 256, "in_dim": 16, "out_dim": 16,
    "num_heads": 2, "num_layers": 6, "text_len": 512, "text_dim": 256, "eps": 1e-6,
    "reel": {"name": "Reel demo", "width": 128, "height": 128, "frames": 33,
             "example_prompt": "a red ball moves to the right over a night sky"},
}


def fold(conv2_weight, conv2_bias, mean, std):
    """conv2 of (z - WAN_MEAN) / WAN_STD * std + mean, as one convolution of z."""
    wan_mean, wan_std = torch.tensor(WAN_MEAN).double(), torch.tensor(WAN_STD).double()
    w = conv2_weight.double().flatten(1)
    inner = w * (std.double() / wan_std)
    bias = conv2_bias.double() + w @ mean.double() - inner @ wan_mean
    return inner.view_as(conv2_weight), bias


def split_blocks(state):
    """{file stem: {name: tensor}}: one file a block, the rest in `non_block`."""
    files = {}
    for name, tensor in state.items():
        stem = f"block_{name.split('.')[1]}" if name.startswith("blocks.") else "non_block"
        part = files.setdefault(stem, {})
        if is_quantised(name, tensor):
            part[name], part[name + "_scale"] = quantise(tensor, "fp8")
        elif stem == "non_block" and name.endswith("weight"):
            part[name] = tensor.bfloat16()
        else:
            part[name] = tensor.float()
    return files


def export_transformer(state, folder):
    weight_map, size = {}, 0
    for stem, part in split_blocks(state).items():
        path = f"{folder}/{stem}.safetensors"
        save_file({k: v.contiguous() for k, v in part.items()}, path)
        os.chmod(path, 0o644)
        size += os.path.getsize(path)
        weight_map |= {k: f"{stem}.safetensors" for k in part}
    with open(f"{folder}/diffusion_pytorch_model.safetensors.index.json", "w") as out:
        json.dump({"metadata": {"total_size": size}, "weight_map": weight_map}, out, indent=1, sort_keys=True)
        out.write("\n")


def export_encoder(state, path):
    flat = {}
    for name, tensor in state.items():
        if is_quantised(name, tensor):
            flat[name], flat[name + "_scale"] = quantise(tensor, "fp8", torch.bfloat16)
        else:
            flat[name] = tensor.bfloat16()
    torch.save(flat, path)


def export_vae(saved, path):
    state = dict(saved["model"])
    state["conv2.weight"], state["conv2.bias"] = fold(state["conv2.weight"], state["conv2.bias"], saved["mean"], saved["std"])
    torch.save({k: v.bfloat16().contiguous() for k, v in state.items()}, path)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--from", dest="source", default="out", help="folder with vae.pt, encoder.pt, student.pt")
    a.add_argument("--to", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/demo"))
    a = a.parse_args()
    folder = f"{a.to}/distill_fp8"
    os.makedirs(folder, exist_ok=True)
    export_transformer(torch.load(f"{a.source}/student.pt"), folder)
    export_encoder(torch.load(f"{a.source}/encoder.pt"), f"{folder}/models_t5_umt5-xxl-enc-fp8.pth")
    export_vae(torch.load(f"{a.source}/vae.pt"), f"{folder}/Wan2.1_VAE.pth")
    with open(f"{a.to}/config.json", "w") as out:
        json.dump(CONFIG, out, indent=2)
        out.write("\n")
    total = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(a.to) for f in fs)
    print(f"{total / 2**20:.2f} MiB in {a.to}")


if __name__ == "__main__":
    main()
