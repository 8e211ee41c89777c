// SPDX-License-Identifier: Apache-2.0
// The numbers of a UMT5 text encoder.
#pragma once

#include <cstdint>

#include "checkpoint/name_table.h"

namespace reel::umt5 {

inline constexpr int64_t kBuckets = 32;
inline constexpr float kEps = 1e-6f;

struct Config {
  int64_t vocab = 256384;
  int64_t dim = 4096;
  int64_t attn_dim = 4096;  // heads * head_dim
  int64_t heads = 64;
  int64_t ffn_dim = 10240;
  int64_t layers = 24;
};

checkpoint::Dims dims_of(const Config& config);

}  // namespace reel::umt5
