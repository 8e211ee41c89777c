// SPDX-License-Identifier: Apache-2.0
// The numbers of a Wan text-to-video DiT.
#pragma once

#include <cstdint>

#include "checkpoint/name_table.h"

namespace reel::wan_dit {

inline constexpr int64_t kHeadDim = 128;
inline constexpr int64_t kPatchRows = 2;
inline constexpr int64_t kPatchCols = 2;
inline constexpr float kEps = 1e-6f;
inline constexpr int64_t kMostPositions = 1024;  // of the RoPE table, per axis

struct Config {
  int64_t dim = 5120;
  int64_t ffn_dim = 13824;
  int64_t layers = 40;
  int64_t text_dim = 4096;
  int64_t text_len = 512;  // rows of text the network was trained to see, padding included
  int64_t freq_dim = 256;
  int64_t channels = 16;  // of the latent

  int64_t heads() const { return dim / kHeadDim; }
  int64_t patch_dim() const { return channels * kPatchRows * kPatchCols; }
};

checkpoint::Dims dims_of(const Config& config);

}  // namespace reel::wan_dit
