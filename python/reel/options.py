# SPDX-License-Identifier: Apache-2.0
"""What names a model and how it is sampled, as the library takes it."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Sequence, Tuple, Union

from . import _reel

Path = Union[str, "os.PathLike[str]"]
Lora = Union[Path, Tuple[Path, float]]


def model_options(
    model: Path = "",
    *,
    text_encoder: Path = "",
    vae: Path = "",
    tokenizer: Path = "",
    variant: str = "",
    kind: str = "",
    loras: Sequence[Lora] = (),
    device: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    vram_bytes: int = 0,
    ram_bytes: int = 0,
    text_cache: bool = True,
    tae_latents: str = "auto",
    vae_tiling: str = "",
    preview_decoder: Path = "",
) -> _reel.ModelOptions:
    options = _reel.ModelOptions()
    options.model = os.fsencode(model)
    options.text_encoder = os.fsencode(text_encoder)
    options.vae = os.fsencode(vae)
    options.tokenizer = os.fsencode(tokenizer)
    options.variant = variant
    options.checkpoint_kind = kind
    options.loras = [_to_lora(lora) for lora in loras]
    options.device = device
    options.precision = precision
    options.threads = threads
    options.vram_bytes = vram_bytes
    options.ram_bytes = ram_bytes
    options.text_cache = text_cache
    options.tae_latents = tae_latents
    options.vae_tiling = vae_tiling
    options.preview_decoder = os.fsencode(preview_decoder)
    return options


def sampling_options(
    *,
    seed: Optional[int] = None,
    width: Optional[int] = None,
    height: Optional[int] = None,
    frames: Optional[int] = None,
    steps: Optional[int] = None,
    timesteps: Sequence[int] = (),
    shift: Optional[float] = None,
    guidance: Optional[float] = None,
    sampler: str = "",
    rng: str = "torch-cuda",
) -> _reel.SamplingOptions:
    sampling = _reel.SamplingOptions()
    sampling.seed = seed
    sampling.width_px = width
    sampling.height_px = height
    sampling.frames = frames
    sampling.steps = steps
    sampling.timesteps = list(timesteps)
    sampling.shift = shift
    sampling.guidance = guidance
    sampling.sampler = sampler
    sampling.rng = rng
    return sampling


def sampling_arguments(sampling: _reel.SamplingOptions) -> Dict[str, Any]:
    """What :func:`sampling_options` makes ``sampling`` of."""
    return {
        "seed": sampling.seed,
        "width": sampling.width_px,
        "height": sampling.height_px,
        "frames": sampling.frames,
        "steps": sampling.steps,
        "timesteps": list(sampling.timesteps),
        "shift": sampling.shift,
        "guidance": sampling.guidance,
        "sampler": sampling.sampler,
        "rng": sampling.rng,
    }


def _to_lora(lora: Lora) -> _reel.LoraChoice:
    if isinstance(lora, tuple):
        return _reel.LoraChoice(os.fsencode(lora[0]), lora[1])
    return _reel.LoraChoice(os.fsencode(lora))
