# SPDX-License-Identifier: Apache-2.0
"""The three networks of Wan 2.1 text-to-video, written to be read.

Weights are dicts from Wan's own tensor names to tensors. All arithmetic is done in the dtype of
the weights and inputs: give float64 for numbers to compare with.

Source: Wan-Video/Wan2.1, wan/modules/{t5,model,vae}.py, without their mixed precision.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]

TEXT_LEN = 512
TEXT_HEAD_DIM = 64
VIDEO_HEAD_DIM = 128
EPS = 1e-6

LATENT_MEAN = [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
               0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921]
LATENT_STD = [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
              3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160]


def count_blocks(w: Weights) -> int:
    return 1 + max(int(name.split(".")[1]) for name in w if name.startswith("blocks."))


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    weight, bias = w[name + ".weight"], w.get(name + ".bias")
    weight = weight.reshape(weight.shape[0], -1)
    if hasattr(w, "product"):  # other arithmetic, such as fp8.py's
        return w.product(name, x, weight, bias)
    return F.linear(x, weight, bias)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * weight


def layer_norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=EPS)


def gelu(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def split_heads(x: Tensor, head_dim: int) -> Tensor:
    return x.unflatten(-1, (-1, head_dim)).transpose(0, 1)  # [heads, tokens, head_dim]


def merge_heads(x: Tensor) -> Tensor:
    return x.transpose(0, 1).flatten(1)


def attention(q: Tensor, k: Tensor, v: Tensor, scale: float, bias: Tensor | None = None) -> Tensor:
    logits = q @ k.transpose(-1, -2) * scale
    if bias is not None:
        logits = logits + bias
    return logits.softmax(-1) @ v


# The text encoder.


def position_bucket(distance: int) -> int:
    """Of key minus query, with 32 buckets for both directions."""
    base, far = (16, distance) if distance > 0 else (0, -distance)
    if far < 8:
        return base + far
    return base + min(15, 8 + int(math.log(far / 8) / math.log(16) * 8))


def position_bias(table: Tensor, tokens: int) -> Tensor:
    buckets = [[position_bucket(key - query) for key in range(tokens)] for query in range(tokens)]
    return table[torch.tensor(buckets)].permute(2, 0, 1)  # [heads, queries, keys]


def encode_text(w: Weights, ids: list[int]) -> Tensor:
    """[len(ids), text_dim]. Padding is masked in the original and so takes no part."""
    x = w["token_embedding.weight"][torch.tensor(ids)]
    for index in range(count_blocks(w)):
        block = f"blocks.{index}."
        y = rms_norm(x, w[block + "norm1.weight"])
        q, k, v = (split_heads(linear(w, f"{block}attn.{part}", y), TEXT_HEAD_DIM)
                   for part in "qkv")
        bias = position_bias(w[block + "pos_embedding.embedding.weight"], len(ids))
        x = x + linear(w, block + "attn.o", merge_heads(attention(q, k, v, 1.0, bias)))
        y = rms_norm(x, w[block + "norm2.weight"])
        y = linear(w, block + "ffn.fc1", y) * gelu(linear(w, block + "ffn.gate.0", y))
        x = x + linear(w, block + "ffn.fc2", y)
    return rms_norm(x, w["norm.weight"])


def padded_text(states: Tensor) -> Tensor:
    """The zero rows up to 512 that the DiT sees, unmasked."""
    return F.pad(states, (0, 0, 0, TEXT_LEN - states.shape[0]))


# The DiT.


def rope_angles(frames: int, rows: int, cols: int) -> Tensor:
    """[tokens, 64], float64: 22 pairs turn with the frame, 21 with the row, 21 with the column."""
    pairs = VIDEO_HEAD_DIM // 2
    thirds = [pairs - 2 * (pairs // 3), pairs // 3, pairs // 3]
    places = torch.meshgrid(torch.arange(frames), torch.arange(rows), torch.arange(cols),
                            indexing="ij")
    angles = []
    for place, count in zip(places, thirds):
        speed = 10000.0 ** (-torch.arange(count, dtype=torch.float64) / count)
        angles.append(place.reshape(-1, 1) * speed)
    return torch.cat(angles, 1)


def turn(x: Tensor, angles: Tensor) -> Tensor:
    """Turns the neighbours (0, 1), (2, 3), ... of every head. x [heads, tokens, 128]."""
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def time_embedding(w: Weights, timestep: float) -> tuple[Tensor, Tensor]:
    """e [dim] for the head and [6, dim] for the blocks."""
    speed = 10000.0 ** (-torch.arange(128, dtype=torch.float64) / 128)
    wave = torch.cat(((timestep * speed).cos(), (timestep * speed).sin()))
    wave = wave.to(w["time_embedding.0.weight"].dtype)
    e = linear(w, "time_embedding.2", F.silu(linear(w, "time_embedding.0", wave)))
    return e, linear(w, "time_projection.1", F.silu(e)).unflatten(0, (6, -1))


def dit_block(w: Weights, block: str, x: Tensor, time: Tensor, text: Tensor,
              angles: Tensor) -> Tensor:
    def qkv(part: str, queries: Tensor, keys: Tensor) -> list[Tensor]:
        q = rms_norm(linear(w, f"{block}{part}.q", queries), w[f"{block}{part}.norm_q.weight"])
        k = rms_norm(linear(w, f"{block}{part}.k", keys), w[f"{block}{part}.norm_k.weight"])
        v = linear(w, f"{block}{part}.v", keys)
        return [split_heads(part, VIDEO_HEAD_DIM) for part in (q, k, v)]

    scale = VIDEO_HEAD_DIM**-0.5
    shift_sa, scale_sa, gate_sa, shift_ff, scale_ff, gate_ff = w[block + "modulation"][0] + time
    y = layer_norm(x) * (1 + scale_sa) + shift_sa
    q, k, v = qkv("self_attn", y, y)
    y = merge_heads(attention(turn(q, angles), turn(k, angles), v, scale))
    x = x + gate_sa * linear(w, block + "self_attn.o", y)

    y = layer_norm(x) * w[block + "norm3.weight"] + w[block + "norm3.bias"]
    q, k, v = qkv("cross_attn", y, text)
    x = x + linear(w, block + "cross_attn.o", merge_heads(attention(q, k, v, scale)))

    y = layer_norm(x) * (1 + scale_ff) + shift_ff
    y = linear(w, block + "ffn.2", gelu(linear(w, block + "ffn.0", y)))
    return x + gate_ff * y


def dit_forward(w: Weights, latent: Tensor, timestep: float, states: Tensor) -> Tensor:
    """The velocity of `latent` [16, frames, rows, cols] under `states` [1 to 512, text_dim]."""
    frames, rows, cols = latent.shape[1], latent.shape[2] // 2, latent.shape[3] // 2
    patches = latent.reshape(-1, frames, rows, 2, cols, 2).permute(1, 2, 4, 0, 3, 5)
    x = linear(w, "patch_embedding", patches.reshape(frames * rows * cols, -1))
    e, time = time_embedding(w, timestep)
    text = linear(w, "text_embedding.2", gelu(linear(w, "text_embedding.0", padded_text(states))))
    angles = rope_angles(frames, rows, cols)
    for index in range(count_blocks(w)):
        x = dit_block(w, f"blocks.{index}.", x, time, text, angles)
    shift, scale = w["head.modulation"][0] + e
    out = linear(w, "head.head", layer_norm(x) * (1 + scale) + shift)
    out = out.reshape(frames, rows, cols, 2, 2, -1).permute(5, 0, 1, 3, 2, 4)
    return out.reshape(latent.shape)


# The VAE's decoder: the whole clip at once, which equals the original's frame by frame.


def causal_conv(w: Weights, name: str, x: Tensor) -> Tensor:
    """x [channels, frames, rows, cols]; zeros before the first frame and around every frame."""
    weight = w[name + ".weight"]
    past, edge = weight.shape[2] - 1, weight.shape[3] // 2
    x = F.pad(x, (edge, edge, edge, edge, past, 0))
    return F.conv3d(x[None], weight, w[name + ".bias"])[0]


def unit_norm(w: Weights, name: str, x: Tensor) -> Tensor:
    """The root mean square over the channels becomes gamma."""
    gamma = w[name + ".gamma"].reshape(-1, 1, 1, 1)
    return F.normalize(x, dim=0, eps=1e-12) * x.shape[0]**0.5 * gamma


def residual_block(w: Weights, name: str, x: Tensor) -> Tensor:
    y = causal_conv(w, name + ".residual.2", F.silu(unit_norm(w, name + ".residual.0", x)))
    y = causal_conv(w, name + ".residual.6", F.silu(unit_norm(w, name + ".residual.3", y)))
    if name + ".shortcut.weight" in w:
        x = causal_conv(w, name + ".shortcut", x)
    return x + y


def frame_attention(w: Weights, name: str, x: Tensor) -> Tensor:
    """Every pixel of a frame sees all others of that frame."""
    channels = x.shape[0]
    rows = unit_norm(w, name + ".norm", x).permute(1, 2, 3, 0).flatten(1, 2)
    q, k, v = linear(w, name + ".to_qkv", rows).split(channels, -1)
    y = linear(w, name + ".proj", attention(q, k, v, channels**-0.5))
    return x + y.permute(2, 0, 1).reshape(x.shape)


def double_frames(w: Weights, name: str, x: Tensor) -> Tensor:
    """The first frame stays one, and is no part of the others' past; each other becomes two."""
    first, rest = x[:, :1], x[:, 1:]
    if rest.shape[1] == 0:
        return first
    pairs = causal_conv(w, name + ".time_conv", rest).unflatten(0, (2, -1))  # [2, channels, ...]
    doubled = pairs.permute(1, 2, 0, 3, 4).flatten(1, 2)
    return torch.cat((first, doubled), 1)


def enlarge(w: Weights, name: str, x: Tensor) -> Tensor:
    frames = x.transpose(0, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    weight, bias = w[name + ".resample.1.weight"], w[name + ".resample.1.bias"]
    return F.conv2d(frames, weight, bias, padding=1).transpose(0, 1)


@dataclass
class Level:
    first: int  # of its three residual blocks in `decoder.upsamples`
    doubles_frames: bool = False
    enlarges: bool = True


LEVELS = (Level(0, doubles_frames=True), Level(4, doubles_frames=True), Level(8),
          Level(12, enlarges=False))


def decode(w: Weights, latent: Tensor) -> Tensor:
    """[frames, rows, cols, 3] in 0 to 1; `latent` is [16, frames, rows, cols], an eighth of it."""
    mean = torch.tensor(LATENT_MEAN, dtype=latent.dtype).reshape(-1, 1, 1, 1)
    std = torch.tensor(LATENT_STD, dtype=latent.dtype).reshape(-1, 1, 1, 1)
    x = causal_conv(w, "conv2", latent * std + mean)
    x = causal_conv(w, "decoder.conv1", x)
    x = residual_block(w, "decoder.middle.0", x)
    x = frame_attention(w, "decoder.middle.1", x)
    x = residual_block(w, "decoder.middle.2", x)
    for level in LEVELS:
        for index in range(level.first, level.first + 3):
            x = residual_block(w, f"decoder.upsamples.{index}", x)
        name = f"decoder.upsamples.{level.first + 3}"
        if level.doubles_frames:
            x = double_frames(w, name, x)
        if level.enlarges:
            x = enlarge(w, name, x)
    x = causal_conv(w, "decoder.head.2", F.silu(unit_norm(w, "decoder.head.0", x)))
    return (x.clamp(-1, 1) / 2 + 0.5).permute(1, 2, 3, 0)
