// SPDX-License-Identifier: Apache-2.0
// Source: Wan 2.1, wan/modules/t5.py, class T5Encoder: the keys of its state dict.
#include "models/umt5/names.h"

namespace reel::umt5 {
namespace {

using checkpoint::NameRow;
using enum checkpoint::RowKind;

constexpr NameRow kTopRows[] = {
    {kTop, kEmbedding, "token_embedding", kTable, "[vocab, dim]"},
    {kTop, kFinalNorm, "norm.weight", kTensor, "[dim]"},
};

// One layer, under "blocks.<index>.".
constexpr NameRow kLayerRows[] = {
    {kAttn, kNorm, "norm1.weight", kTensor, "[dim]"},
    {kAttn, kQ, "attn.q", kMatrix, "[attn_dim, dim]"},
    {kAttn, kK, "attn.k", kMatrix, "[attn_dim, dim]"},
    {kAttn, kV, "attn.v", kMatrix, "[attn_dim, dim]"},
    {kAttn, kOut, "attn.o", kMatrix, "[dim, attn_dim]"},
    {kAttn, kRelativeBias, "pos_embedding.embedding.weight", kTensor, "[32, heads]"},
    {kFfn, kNorm, "norm2.weight", kTensor, "[dim]"},
    {kFfn, kGate, "ffn.gate.0", kMatrix, "[ffn_dim, dim]"},
    {kFfn, kUp, "ffn.fc1", kMatrix, "[ffn_dim, dim]"},
    {kFfn, kDown, "ffn.fc2", kMatrix, "[dim, ffn_dim]"},
};

}  // namespace

checkpoint::NameUnit top_unit() { return {.prefix = "", .rows = kTopRows}; }

checkpoint::NameUnit layer_unit(int index) {
  return {.prefix = "blocks." + std::to_string(index) + '.', .rows = kLayerRows, .block = index};
}

std::vector<checkpoint::NameUnit> name_units(const Config& config) {
  std::vector<checkpoint::NameUnit> units{top_unit()};
  for (int index = 0; index < config.layers; ++index) units.push_back(layer_unit(index));
  return units;
}

checkpoint::Dims dims_of(const Config& config) {
  return {{"vocab", config.vocab},
          {"dim", config.dim},
          {"attn_dim", config.attn_dim},
          {"heads", config.heads},
          {"ffn_dim", config.ffn_dim}};
}

}  // namespace reel::umt5
