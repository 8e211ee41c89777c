# SPDX-License-Identifier: Apache-2.0
"""Reads a checkpoint folder of any published layout as float32 under Wan's own names.

Independent of Reel: safetensors, torch.load and gguf-py open the files, and quantised matrices
are multiplied out here or by gguf-py.
"""
import re
from dataclasses import dataclass
from pathlib import Path

import gguf
import torch
import xxhash
from safetensors.torch import load_file
from torch import Tensor

WEIGHT_FILES = {".safetensors", ".pth", ".gguf"}

# Diffusers' and others' names, as patterns of whole names or of their beginnings and middles.
DIT_FROM_DIFFUSERS = [
    (r"^condition_embedder\.text_embedder\.linear_1\.", "text_embedding.0."),
    (r"^condition_embedder\.text_embedder\.linear_2\.", "text_embedding.2."),
    (r"^condition_embedder\.time_embedder\.linear_1\.", "time_embedding.0."),
    (r"^condition_embedder\.time_embedder\.linear_2\.", "time_embedding.2."),
    (r"^condition_embedder\.time_proj\.", "time_projection.1."),
    (r"^proj_out\.", "head.head."),
    (r"^scale_shift_table$", "head.modulation"),
    (r"\.scale_shift_table$", ".modulation"),
    (r"\.attn1\.", ".self_attn."),
    (r"\.attn2\.", ".cross_attn."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".o."),
    (r"\.norm2\.", ".norm3."),
    (r"\.ffn\.net\.0\.proj\.", ".ffn.0."),
    (r"\.ffn\.net\.2\.", ".ffn.2."),
]
TEXT_FROM_HUGGING_FACE = [
    (r"^shared\.", "token_embedding."),
    (r"^encoder\.final_layer_norm\.", "norm."),
    (r"^encoder\.block\.", "blocks."),
    (r"\.layer\.0\.SelfAttention\.relative_attention_bias\.", ".pos_embedding.embedding."),
    (r"\.layer\.0\.SelfAttention\.", ".attn."),
    (r"\.layer\.0\.layer_norm\.", ".norm1."),
    (r"\.layer\.1\.layer_norm\.", ".norm2."),
    (r"\.layer\.1\.DenseReluDense\.wi_0\.", ".ffn.gate.0."),
    (r"\.layer\.1\.DenseReluDense\.wi_1\.", ".ffn.fc1."),
    (r"\.layer\.1\.DenseReluDense\.wo\.", ".ffn.fc2."),
]
TEXT_FROM_LLAMA_CPP = [
    (r"^token_embd\.", "token_embedding."),
    (r"^enc\.output_norm\.", "norm."),
    (r"^enc\.blk\.", "blocks."),
    (r"\.attn_rel_b\.", ".pos_embedding.embedding."),
    (r"\.attn_([qkvo])\.", r".attn.\1."),
    (r"\.attn_norm\.", ".norm1."),
    (r"\.ffn_norm\.", ".norm2."),
    (r"\.ffn_gate\.", ".ffn.gate.0."),
    (r"\.ffn_up\.", ".ffn.fc1."),
    (r"\.ffn_down\.", ".ffn.fc2."),
]
VAE_FROM_DIFFUSERS = [
    (r"^quant_conv\.", "conv1."),
    (r"^post_quant_conv\.", "conv2."),
    (r"^decoder\.conv_in\.", "decoder.conv1."),
    (r"^decoder\.norm_out\.", "decoder.head.0."),
    (r"^decoder\.conv_out\.", "decoder.head.2."),
    (r"\.mid_block\.resnets\.0\.", ".middle.0."),
    (r"\.mid_block\.attentions\.0\.", ".middle.1."),
    (r"\.mid_block\.resnets\.1\.", ".middle.2."),
    (r"\.up_blocks\.(\d)\.resnets\.(\d)\.",
     lambda at: f".upsamples.{4 * int(at[1]) + int(at[2])}."),
    (r"\.up_blocks\.(\d)\.upsamplers\.0\.", lambda at: f".upsamples.{4 * int(at[1]) + 3}."),
    (r"\.norm1\.gamma", ".residual.0.gamma"),
    (r"(upsamples\.\d+|middle\.\d)\.conv1\.", r"\1.residual.2."),
    (r"\.norm2\.gamma", ".residual.3.gamma"),
    (r"(upsamples\.\d+|middle\.\d)\.conv2\.", r"\1.residual.6."),
    (r"\.conv_shortcut\.", ".shortcut."),
]


@dataclass
class Checkpoint:
    """All float32. The VAE holds what decoding needs."""

    dit: dict[str, Tensor]
    text_encoder: dict[str, Tensor]
    vae: dict[str, Tensor]


def renamed(tensors: dict[str, Tensor], patterns: list) -> dict[str, Tensor]:
    def rename(name: str) -> str:
        for pattern, replacement in patterns:
            name = re.sub(pattern, replacement, name)
        return name

    return {rename(name): tensor for name, tensor in tensors.items()}


def multiplied_out(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """float32, with every scale applied to its matrix: one scale a row, or one for all of it."""
    out = {}
    for name, tensor in tensors.items():
        if name.endswith((".weight_scale", ".scale_weight")) or name in ("scaled_fp8",
                                                                        "spiece_model"):
            continue
        out[name] = tensor.float()
        for scale in (name + "_scale", name.removesuffix("weight") + "scale_weight"):
            if scale in tensors:
                out[name] = out[name] * tensors[scale].float()
    return out


def read_safetensors(*paths: Path) -> dict[str, Tensor]:
    tensors = {}
    for path in sorted(paths):
        tensors |= load_file(path)
    return multiplied_out(tensors)


def read_torch(path: Path) -> dict[str, Tensor]:
    return multiplied_out(torch.load(path, weights_only=True))


def read_gguf(path: Path) -> dict[str, Tensor]:
    tensors = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(extent) for extent in reversed(tensor.shape)]
        tensors[tensor.name] = torch.from_numpy(values.copy()).float().reshape(shape)
    return tensors


def decoder_only(vae: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t for name, t in vae.items() if name.startswith(("decoder.", "conv2."))}


def read_checkpoint(folder: Path, layout: str) -> Checkpoint:
    """`layout` as `reel synth --layout` calls it; of "decoder:...", only `vae`, which may be a TAE."""
    if layout.startswith("decoder:"):
        path = folder / layout.removeprefix("decoder:")
        read = read_torch if path.suffix == ".pth" else read_safetensors
        return Checkpoint({}, {}, read(path))
    if layout == "official":
        return Checkpoint(read_safetensors(*folder.glob("diffusion_pytorch_model-*")),
                          read_torch(folder / "models_t5_umt5-xxl-enc-bf16.pth"),
                          decoder_only(read_torch(folder / "Wan2.1_VAE.pth")))
    if layout == "bf16":
        inner = folder / "distill_models"
        return Checkpoint(read_safetensors(inner / "distill_model.safetensors"),
                          read_torch(inner / "models_t5_umt5-xxl-enc-bf16.pth"),
                          decoder_only(read_torch(inner / "Wan2.1_VAE.pth")))
    if layout in ("distill_fp8", "distill_int8"):
        inner = folder / layout
        kind = layout.removeprefix("distill_")
        return Checkpoint(read_safetensors(*inner.glob("*.safetensors")),
                          read_torch(inner / f"models_t5_umt5-xxl-enc-{kind}.pth"),
                          decoder_only(read_torch(inner / "Wan2.1_VAE.pth")))
    if layout == "comfy_fp8":
        text = read_safetensors(*folder.glob("text_encoders/*"))
        return Checkpoint(read_safetensors(*folder.glob("diffusion_models/*")),
                          renamed(text, TEXT_FROM_HUGGING_FACE),
                          decoder_only(read_safetensors(*folder.glob("vae/*.safetensors"))))
    if layout == "diffusers":
        dit, text, vae = (read_safetensors(*folder.glob(f"{part}/*.safetensors"))
                          for part in ("transformer", "text_encoder", "vae"))
        return Checkpoint(renamed(dit, DIT_FROM_DIFFUSERS), renamed(text, TEXT_FROM_HUGGING_FACE),
                          decoder_only(renamed(vae, VAE_FROM_DIFFUSERS)))
    if layout.startswith("gguf:"):
        (dit,) = folder.glob("Wan2.1_T2V_*.gguf")
        (text,) = folder.glob("umt5-*.gguf")
        return Checkpoint(read_gguf(dit), renamed(read_gguf(text), TEXT_FROM_LLAMA_CPP),
                          decoder_only(read_safetensors(folder / "Wan2.1_VAE.safetensors")))
    raise ValueError(f'there is no layout "{layout}"')


def digest(folder: Path) -> str:
    """XXH3-128 of the weight files' bytes, in the order of their names within the folder."""
    state = xxhash.xxh3_128()
    files = [path for path in folder.rglob("*") if path.suffix in WEIGHT_FILES]
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        state.update(path.read_bytes())
    return state.hexdigest()
