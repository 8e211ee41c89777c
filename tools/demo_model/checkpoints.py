# SPDX-License-Identifier: Apache-2.0
"""What training needs and the exported model lacks: the clip encoder and the teacher, in one small file.

    python checkpoints.py pack --from OUT       # OUT/*.pt -> checkpoints/master.pt
    python checkpoints.py unpack --to OUT       # master.pt and models/demo -> OUT/*.pt, to go on training

Large tensors are stored as int8 per output channel; the networks go on training from that without loss.
"""

import argparse
import os

import torch
from safetensors.torch import load_file

from quantise import dequantise_state, quantise

HERE = os.path.dirname(os.path.abspath(__file__))
MASTER = f"{HERE}/checkpoints/master.pt"
DEMO = f"{HERE}/../../models/demo/distill_fp8"


def shrink(state):
    out = {}
    for name, tensor in state.items():
        if tensor.ndim >= 2 and tensor.numel() >= 4096:
            q, scale = quantise(tensor.flatten(1), "int8")
            out[name] = q.view(tensor.shape)
            out[name + "_scale"] = scale.view(-1, *[1] * (tensor.ndim - 1))
        else:
            out[name] = tensor.bfloat16()
    return out


def pack(folder):
    vae = torch.load(f"{folder}/vae.pt")
    conv2 = {k: v for k, v in vae["model"].items() if k.startswith("conv2.")}
    os.makedirs(os.path.dirname(MASTER), exist_ok=True)
    torch.save({"vae_encoder": shrink(torch.load(f"{folder}/vae_encoder.pt")),
                "teacher": shrink(torch.load(f"{folder}/teacher.pt")),
                "conv2": conv2, "mean": vae["mean"], "std": vae["std"]}, MASTER)


def unpack(folder):
    os.makedirs(folder, exist_ok=True)
    master = torch.load(MASTER)
    decoder = torch.load(f"{DEMO}/Wan2.1_VAE.pth") | master["conv2"]  # conv2 as it was before the export's folding
    student = {}
    for name in sorted(os.listdir(DEMO)):
        if name.endswith(".safetensors"):
            student |= load_file(f"{DEMO}/{name}")
    torch.save({"model": decoder, "mean": master["mean"], "std": master["std"]}, f"{folder}/vae.pt")
    for name, state in (("vae_encoder", master["vae_encoder"]), ("teacher", master["teacher"]), ("student", student),
                        ("encoder", torch.load(f"{DEMO}/models_t5_umt5-xxl-enc-fp8.pth"))):
        torch.save(dequantise_state(state), f"{folder}/{name}.pt")


if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("action", choices=("pack", "unpack"))
    a.add_argument("--from", dest="source", default="out")
    a.add_argument("--to", default="out")
    a = a.parse_args()
    pack(a.source) if a.action == "pack" else unpack(a.to)
