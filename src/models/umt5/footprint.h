// SPDX-License-Identifier: Apache-2.0
// What encoding a prompt keeps in memory and computes, known from the dimensions alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "memory/arena_layout.h"
#include "memory/work.h"
#include "models/umt5/config.h"

namespace reel::umt5 {

struct EncodeShape {
  int64_t tokens = 0;
  DType compute = DType::kBF16;
  DType matrices = DType::kI8;
};

// What Encoder::encode takes from its arena, for one layer.
std::vector<memory::Activation> encode_activations(const Config& config, const EncodeShape& shape);

memory::Work encode_work(const Config& config, const EncodeShape& shape);

}  // namespace reel::umt5
