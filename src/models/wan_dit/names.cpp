// SPDX-License-Identifier: Apache-2.0
// Source: Wan 2.1, wan/modules/model.py, class WanModel: the keys of its state dict.
#include "models/wan_dit/names.h"

namespace reel::wan_dit {
namespace {

using checkpoint::NameRow;
using enum checkpoint::RowKind;

// The patch, time and head products are small and decide much: they stay in f32.
constexpr NameRow kPatchNames[] = {
    {kTop, kPatch, "patch_embedding", kLinearF32, "[dim, channels, 1, 2, 2]"},
};
constexpr NameRow kHeadNames[] = {
    {kTop, kHead, "head.head", kLinearF32, "[4 * channels, dim]"},
    {kTop, kHeadModulation, "head.modulation", kTensor, "[1, 2, dim]"},
};

// They depend on the prompt and the timesteps alone.
constexpr NameRow kSetupNames[] = {
    {kTop, kTextIn, "text_embedding.0", kLinearWide, "[dim, text_dim]"},
    {kTop, kTextOut, "text_embedding.2", kLinearWide, "[dim, dim]"},
    {kTop, kTimeIn, "time_embedding.0", kLinearF32, "[dim, freq_dim]"},
    {kTop, kTimeOut, "time_embedding.2", kLinearF32, "[dim, dim]"},
    {kTop, kTimeProjection, "time_projection.1", kLinearF32, "[6 * dim, dim]"},
};

// One block, under "blocks.<index>.".
constexpr NameRow kBlockNames[] = {
    {kBlock, kModulation, "modulation", kTensor, "[1, 6, dim]"},
    {kSelfAttn, kQ, "self_attn.q", kLinear, "[dim, dim]"},
    {kSelfAttn, kK, "self_attn.k", kLinear, "[dim, dim]"},
    {kSelfAttn, kV, "self_attn.v", kLinear, "[dim, dim]"},
    {kSelfAttn, kOut, "self_attn.o", kLinear, "[dim, dim]"},
    {kSelfAttn, kQNorm, "self_attn.norm_q.weight", kTensor, "[dim]"},
    {kSelfAttn, kKNorm, "self_attn.norm_k.weight", kTensor, "[dim]"},
    {kBlock, kCrossNormWeight, "norm3.weight", kTensor, "[dim]"},
    {kBlock, kCrossNormBias, "norm3.bias", kTensor, "[dim]"},
    {kCrossAttn, kQ, "cross_attn.q", kLinear, "[dim, dim]"},
    {kCrossAttn, kK, "cross_attn.k", kLinear, "[dim, dim]"},
    {kCrossAttn, kV, "cross_attn.v", kLinear, "[dim, dim]"},
    {kCrossAttn, kOut, "cross_attn.o", kLinear, "[dim, dim]"},
    {kCrossAttn, kQNorm, "cross_attn.norm_q.weight", kTensor, "[dim]"},
    {kCrossAttn, kKNorm, "cross_attn.norm_k.weight", kTensor, "[dim]"},
    {kMlp, kUp, "ffn.0", kLinear, "[ffn_dim, dim]"},
    {kMlp, kDown, "ffn.2", kLinear, "[dim, ffn_dim]"},
};

}  // namespace

checkpoint::NameUnit patch_unit() { return {.prefix = "", .rows = kPatchNames}; }
checkpoint::NameUnit head_unit() { return {.prefix = "", .rows = kHeadNames}; }

checkpoint::NameUnit setup_unit() {
  return {.prefix = "", .rows = kSetupNames, .block = checkpoint::kSetupUnit};
}

checkpoint::NameUnit block_unit(int index) {
  return {.prefix = "blocks." + std::to_string(index) + '.', .rows = kBlockNames, .block = index};
}

std::vector<checkpoint::NameUnit> name_units(const Config& config) {
  std::vector<checkpoint::NameUnit> units{patch_unit(), setup_unit(), head_unit()};
  for (int index = 0; index < config.layers; ++index) units.push_back(block_unit(index));
  return units;
}

checkpoint::Dims dims_of(const Config& config) {
  return {{"dim", config.dim},
          {"ffn_dim", config.ffn_dim},
          {"text_dim", config.text_dim},
          {"freq_dim", config.freq_dim},
          {"channels", config.channels}};
}

}  // namespace reel::wan_dit
