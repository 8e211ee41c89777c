// SPDX-License-Identifier: Apache-2.0
// The names of the diffusers library: its folders transformer/ and vae/, and files made from them.
//
// Source: huggingface/diffusers, scripts/convert_wan_to_diffusers.py and
// src/diffusers/models/{transformers/transformer_wan,autoencoders/autoencoder_kl_wan}.py.
#include "checkpoint/naming.h"

namespace reel::checkpoint {
namespace {

constexpr struct {
  const char *ours, *theirs;
} kDiffusersDit[] = {
    {"patch_embedding", "patch_embedding"},
    {"text_embedding.0", "condition_embedder.text_embedder.linear_1"},
    {"text_embedding.2", "condition_embedder.text_embedder.linear_2"},
    {"time_embedding.0", "condition_embedder.time_embedder.linear_1"},
    {"time_embedding.2", "condition_embedder.time_embedder.linear_2"},
    {"time_projection.1", "condition_embedder.time_proj"},
    {"head.head", "proj_out"},
    {"head.modulation", "scale_shift_table"},
    {"blocks.#.modulation", "blocks.#.scale_shift_table"},
    {"blocks.#.self_attn.q", "blocks.#.attn1.to_q"},
    {"blocks.#.self_attn.k", "blocks.#.attn1.to_k"},
    {"blocks.#.self_attn.v", "blocks.#.attn1.to_v"},
    {"blocks.#.self_attn.o", "blocks.#.attn1.to_out.0"},
    {"blocks.#.self_attn.norm_q", "blocks.#.attn1.norm_q"},
    {"blocks.#.self_attn.norm_k", "blocks.#.attn1.norm_k"},
    // The one norm with weights is the second there, the third in the original.
    {"blocks.#.norm3", "blocks.#.norm2"},
    {"blocks.#.cross_attn.q", "blocks.#.attn2.to_q"},
    {"blocks.#.cross_attn.k", "blocks.#.attn2.to_k"},
    {"blocks.#.cross_attn.v", "blocks.#.attn2.to_v"},
    {"blocks.#.cross_attn.o", "blocks.#.attn2.to_out.0"},
    {"blocks.#.cross_attn.norm_q", "blocks.#.attn2.norm_q"},
    {"blocks.#.cross_attn.norm_k", "blocks.#.attn2.norm_k"},
    {"blocks.#.ffn.0", "blocks.#.ffn.net.0.proj"},
    {"blocks.#.ffn.2", "blocks.#.ffn.net.2"},
};

constexpr struct {
  const char *ours, *theirs;
} kVaeOnce[] = {
    {"conv2", "post_quant_conv"},
    {"decoder.conv1", "decoder.conv_in"},
    {"decoder.head.0.gamma", "decoder.norm_out.gamma"},
    {"decoder.head.2", "decoder.conv_out"},
    {"decoder.middle.1.norm.gamma", "decoder.mid_block.attentions.0.norm.gamma"},
    {"decoder.middle.1.to_qkv", "decoder.mid_block.attentions.0.to_qkv"},
    {"decoder.middle.1.proj", "decoder.mid_block.attentions.0.proj"},
};

constexpr struct {
  const char *ours, *theirs;
} kVaeResidual[] = {
    {".residual.0.gamma", ".norm1.gamma"}, {".residual.2", ".conv1"},
    {".residual.3.gamma", ".norm2.gamma"}, {".residual.6", ".conv2"},
    {".shortcut", ".conv_shortcut"},
};

void add_residual(std::vector<NamePair>& pairs, const std::string& ours,
                  const std::string& theirs) {
  for (const auto& part : kVaeResidual) pairs.push_back({ours + part.ours, theirs + part.theirs});
}

}  // namespace

Naming diffusers_dit_naming() {
  std::vector<NamePair> pairs;
  for (const auto& pair : kDiffusersDit) pairs.push_back({pair.ours, pair.theirs});
  return {Network::kDit, "diffusers", pairs};
}

// The original numbers the decoder's stages through; diffusers gives each of the four levels three
// residual blocks and, except the last, an upsampler.
Naming diffusers_vae_naming() {
  std::vector<NamePair> pairs;
  for (const auto& pair : kVaeOnce) pairs.push_back({pair.ours, pair.theirs});
  add_residual(pairs, "decoder.middle.0", "decoder.mid_block.resnets.0");
  add_residual(pairs, "decoder.middle.2", "decoder.mid_block.resnets.1");
  for (int level = 0; level < 4; ++level) {
    const std::string theirs = "decoder.up_blocks." + std::to_string(level);
    for (int index = 0; index < 3; ++index) {
      add_residual(pairs, "decoder.upsamples." + std::to_string(4 * level + index),
                   theirs + ".resnets." + std::to_string(index));
    }
    const std::string ours = "decoder.upsamples." + std::to_string(4 * level + 3);
    pairs.push_back({ours + ".resample.1", theirs + ".upsamplers.0.resample.1"});
    pairs.push_back({ours + ".time_conv", theirs + ".upsamplers.0.time_conv"});
  }
  return {Network::kVae, "diffusers", pairs};
}

}  // namespace reel::checkpoint
