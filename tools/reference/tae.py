# SPDX-License-Identifier: Apache-2.0
"""The decoder of a tiny autoencoder (taew2_1, lighttaew2_1), written for one clip.

The whole clip at once: a memory block sees, beside each frame, the one before it at the same place
in the network. Source of the arithmetic: madebyollin/taehv, taehv.py, class TAEHV; of which latents
a TAE takes: LightX2V, models/video_encoders/hf/wan/vae_tiny.py.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

from wan_original import LATENT_MEAN, LATENT_STD, Weights

FRAMES_OF_LEVEL = (1, 2, 2)  # that each of a level becomes
FRAMES_WITHOUT_PICTURE = 3


def conv(w: Weights, name: str, x: Tensor) -> Tensor:
    weight = w[name + ".weight"]
    return F.conv2d(x, weight, w.get(name + ".bias"), padding=weight.shape[-1] // 2)


def memory_block(w: Weights, name: str, x: Tensor) -> Tensor:
    """x [frames, channels, rows, cols]; before the first frame there are zeros."""
    past = torch.cat((torch.zeros_like(x[:1]), x[:-1]))
    y = torch.cat((x, past), 1)
    for index in (0, 2):
        y = conv(w, f"{name}.conv.{index}", y).relu()
    return (conv(w, name + ".conv.4", y) + x).relu()


def more_frames(w: Weights, name: str, times: int, x: Tensor) -> Tensor:
    """Weights that were trained to make more frames than are wanted: their last ones."""
    weight = w[name + ".conv.weight"]
    y = F.conv2d(x, weight[-times * x.shape[1]:])
    return y.unflatten(1, (times, -1)).flatten(0, 1)


def decode(w: Weights, latent: Tensor, of_vae: bool = False) -> Tensor:
    """[frames, rows, cols, 3] in 0 to 1; `latent` is [16, frames, rows, cols], an eighth of it, and
    normalised. `of_vae`: the TAE takes what the VAE takes."""
    if of_vae:
        mean = torch.tensor(LATENT_MEAN, dtype=latent.dtype).reshape(-1, 1, 1, 1)
        std = torch.tensor(LATENT_STD, dtype=latent.dtype).reshape(-1, 1, 1, 1)
        latent = latent * std + mean
    x = conv(w, "decoder.1", 3 * (latent.transpose(0, 1) / 3).tanh()).relu()
    for level, times in enumerate(FRAMES_OF_LEVEL):
        first = 3 + 6 * level
        for index in range(first, first + 3):
            x = memory_block(w, f"decoder.{index}", x)
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = more_frames(w, f"decoder.{first + 4}", times, x)
        x = conv(w, f"decoder.{first + 5}", x)
    x = conv(w, "decoder.22", x.relu())
    return x[FRAMES_WITHOUT_PICTURE:].clamp(0, 1).permute(0, 2, 3, 1)
