// SPDX-License-Identifier: Apache-2.0
// Wan's own names, which are ours too: the original .pth and shards, LightX2V's files, ComfyUI's
// diffusion models and VAE, and GGUF files of the DiT. And the names of TAEs.
//
// Source: Wan 2.1, wan/modules/{model,t5,vae}.py: the keys of the state dicts.
#include "checkpoint/naming.h"

namespace reel::checkpoint {
namespace {

constexpr const char* kWanDit[] = {
    "patch_embedding",
    "text_embedding.0",
    "text_embedding.2",
    "time_embedding.0",
    "time_embedding.2",
    "time_projection.1",
    "head.head",
    "head.modulation",
    "blocks.#.modulation",
    "blocks.#.self_attn.q",
    "blocks.#.self_attn.k",
    "blocks.#.self_attn.v",
    "blocks.#.self_attn.o",
    "blocks.#.self_attn.norm_q",
    "blocks.#.self_attn.norm_k",
    "blocks.#.norm3",
    "blocks.#.cross_attn.q",
    "blocks.#.cross_attn.k",
    "blocks.#.cross_attn.v",
    "blocks.#.cross_attn.o",
    "blocks.#.cross_attn.norm_q",
    "blocks.#.cross_attn.norm_k",
    "blocks.#.ffn.0",
    "blocks.#.ffn.2",
};

constexpr const char* kTextEncoder[] = {
    "token_embedding",  "norm",
    "blocks.#.norm1",   "blocks.#.attn.q",
    "blocks.#.attn.k",  "blocks.#.attn.v",
    "blocks.#.attn.o",  "blocks.#.pos_embedding.embedding",
    "blocks.#.norm2",   "blocks.#.ffn.gate.0",
    "blocks.#.ffn.fc1", "blocks.#.ffn.fc2",
};

constexpr const char* kVae[] = {
    "conv2",
    "decoder.conv1",
    "decoder.head.0.gamma",
    "decoder.head.2",
    "decoder.middle.#.residual.0.gamma",
    "decoder.middle.#.residual.2",
    "decoder.middle.#.residual.3.gamma",
    "decoder.middle.#.residual.6",
    "decoder.middle.1.norm.gamma",
    "decoder.middle.1.to_qkv",
    "decoder.middle.1.proj",
    "decoder.upsamples.#.residual.0.gamma",
    "decoder.upsamples.#.residual.2",
    "decoder.upsamples.#.residual.3.gamma",
    "decoder.upsamples.#.residual.6",
    "decoder.upsamples.#.shortcut",
    "decoder.upsamples.#.resample.1",
    "decoder.upsamples.#.time_conv",
};

// Source: madebyollin/taehv, taehv.py, class TAEHV.
constexpr const char* kTae[] = {
    "decoder.1",  "decoder.8",      "decoder.14",       "decoder.20",
    "decoder.22", "decoder.#.conv", "decoder.#.conv.#",
};

Naming same_names(Network network, std::span<const char* const> names,
                  const char* publisher = "Wan") {
  std::vector<NamePair> pairs;
  for (const char* name : names) pairs.push_back({name, name});
  return {network, publisher, pairs};
}

}  // namespace

Naming wan_dit_naming() { return same_names(Network::kDit, kWanDit); }
Naming wan_text_encoder_naming() { return same_names(Network::kTextEncoder, kTextEncoder); }
Naming wan_vae_naming() { return same_names(Network::kVae, kVae); }
Naming tae_naming() { return same_names(Network::kTae, kTae, "TAEHV"); }

}  // namespace reel::checkpoint
