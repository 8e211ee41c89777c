# SPDX-License-Identifier: Apache-2.0
"""Per-output-channel symmetric 8-bit weights, as the published checkpoints store them."""

import torch


def is_quantised(name, tensor):
    """The ten matrices of a transformer block; the seven of a text encoder block."""
    parts = name.split(".")
    return (tensor.ndim == 2 and name.endswith(".weight") and parts[0] == "blocks"
            and parts[2] in ("self_attn", "cross_attn", "ffn", "attn"))


def quantise(weight, kind="fp8", scale_dtype=torch.float32):
    """weight [out,in] -> (8-bit [out,in], scale [out,1] of `scale_dtype`); the scale is rounded before use."""
    top = {"fp8": 448.0, "int8": 127.0}[kind]
    weight = weight.float()
    scale = (weight.abs().amax(1, keepdim=True).clamp(min=1e-5) / top).to(scale_dtype)
    ratio = weight / scale.float()
    if kind == "fp8":
        return ratio.clamp(-448, 448).to(torch.float8_e4m3fn), scale
    return ratio.round().clamp(-128, 127).to(torch.int8), scale


def dequantise_state(state):
    """A float32 state dict from one with `weight` and `weight_scale` pairs."""
    out = {}
    for name, tensor in state.items():
        if name.endswith("_scale"):
            continue
        scale = state.get(name + "_scale")
        out[name] = tensor.float() if scale is None else tensor.float() * scale.float()
    return out


def quantised_state(state, kind, scale_dtype=torch.float32):
    """The float32 values a network sees after its matrices went through 8 bits."""
    out = {}
    for name, tensor in state.items():
        if is_quantised(name, tensor):
            q, scale = quantise(tensor, kind, scale_dtype)
            out[name] = q.float() * scale.float()
        else:
            out[name] = tensor.float()
    return out
