# SPDX-License-Identifier: Apache-2.0
"""The same networks as diffusers and transformers run them, with the same weights, in float32."""
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor
from transformers import UMT5Config, UMT5EncoderModel

import checkpoints
import wan_original as wan

LARGEST_GAP = 1e-5


def gap(got: Tensor, want: Tensor) -> float:
    return ((got.double() - want.double()).norm() / want.double().norm()).item()


def check(what: str, got: Tensor, want: Tensor) -> None:
    distance = gap(got, want)
    print(f"  {what}: {distance:.1e}")
    if not distance < LARGEST_GAP:
        raise SystemExit(f"{what} is {distance:.1e} away, more than {LARGEST_GAP}")


def load(model: torch.nn.Module, weights: wan.Weights, patterns: list) -> None:
    """Every parameter of `model` gets the tensor of its renamed name; all must be used."""
    by_name = {}
    for name, parameter in model.state_dict().items():
        (native,) = checkpoints.renamed({name: parameter}, patterns)
        by_name[name] = weights[native].float().reshape(parameter.shape)
    model.load_state_dict(by_name, strict=True)
    model.eval()


def transformers_text(weights: wan.Weights, ids: list[int]) -> Tensor:
    dim = weights["norm.weight"].shape[0]
    model = UMT5EncoderModel(UMT5Config(
        vocab_size=weights["token_embedding.weight"].shape[0],
        d_model=dim,
        d_kv=wan.TEXT_HEAD_DIM,
        d_ff=weights["blocks.0.ffn.fc1.weight"].shape[0],
        num_layers=wan.count_blocks(weights),
        num_heads=weights["blocks.0.attn.q.weight"].shape[0] // wan.TEXT_HEAD_DIM,
        feed_forward_proj="gated-gelu"))
    patterns = [(r"^encoder\.embed_tokens\.", "shared."), *checkpoints.TEXT_FROM_HUGGING_FACE]
    load(model, weights, patterns)
    # With padding and a mask, as pipelines call it.
    padded = torch.zeros(1, wan.TEXT_LEN, dtype=torch.long)
    padded[0, :len(ids)] = torch.tensor(ids)
    mask = (torch.arange(wan.TEXT_LEN) < len(ids)).long()[None]
    with torch.no_grad():
        return model(padded, attention_mask=mask).last_hidden_state[0, :len(ids)]


def diffusers_dit(weights: wan.Weights, latent: Tensor, timestep: float, states: Tensor) -> Tensor:
    model = WanTransformer3DModel(
        num_attention_heads=weights["head.modulation"].shape[-1] // wan.VIDEO_HEAD_DIM,
        attention_head_dim=wan.VIDEO_HEAD_DIM,
        text_dim=weights["text_embedding.0.weight"].shape[1],
        ffn_dim=weights["blocks.0.ffn.0.weight"].shape[0],
        num_layers=wan.count_blocks(weights))
    load(model, weights, checkpoints.DIT_FROM_DIFFUSERS)
    with torch.no_grad():
        return model(latent.float()[None], torch.tensor([timestep]),
                     wan.padded_text(states).float()[None], return_dict=False)[0][0]


def diffusers_frames(weights: wan.Weights, latent: Tensor) -> Tensor:
    model = AutoencoderKLWan(base_dim=weights["decoder.head.0.gamma"].shape[0])
    model.encoder = torch.nn.Identity()  # not needed
    model.quant_conv = torch.nn.Identity()
    load(model, weights, checkpoints.VAE_FROM_DIFFUSERS)
    mean = torch.tensor(model.config.latents_mean).reshape(-1, 1, 1, 1)
    std = torch.tensor(model.config.latents_std).reshape(-1, 1, 1, 1)
    with torch.no_grad():
        frames = model.decode((latent.float() * std + mean)[None], return_dict=False)[0][0]
    return (frames.clamp(-1, 1) / 2 + 0.5).permute(1, 2, 3, 0)
