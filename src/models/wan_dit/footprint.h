// SPDX-License-Identifier: Apache-2.0
// What a forward pass of the DiT keeps in memory and computes, known from its dimensions alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "memory/arena_layout.h"
#include "memory/work.h"
#include "models/wan_dit/config.h"

namespace reel::wan_dit {

// As ops::Context has them, and the sizes that decide.
struct ForwardShape {
  int64_t tokens = 0;
  int64_t text_keys = 0;  // rows of the prompt, and one for its padding
  DType compute = DType::kBF16;
  DType matrices = DType::kI8;  // of the blocks: kI8, kF8E4M3, or as compute
  bool int8_attention = true;
  DType attention_values = DType::kF16;
  int64_t row_chunk = 0;  // 0: all rows at once
  int ranks = 1;          // that share a pass; what is told is the first one's, which has the most
  int64_t most_flops_per_call = int64_t{1} << 42;
};

// What Transformer::forward takes from its arena, for one block, chunk and call of each kind.
std::vector<memory::Activation> forward_activations(const Config& config,
                                                    const ForwardShape& shape);
// What make_prompt takes, the larger of what comes before the first block.
std::vector<memory::Activation> setup_activations(const Config& config, const ForwardShape& shape);

// Of one Prompt when every block has seen it.
uint64_t prompt_bytes(const Config& config, const ForwardShape& shape);
uint64_t time_modulation_bytes(const Config& config, int64_t steps);

memory::Work forward_work(const Config& config, const ForwardShape& shape);

}  // namespace reel::wan_dit
