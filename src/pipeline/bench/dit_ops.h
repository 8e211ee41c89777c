// SPDX-License-Identifier: Apache-2.0
// What a block of the DiT is made of, op by op, and a whole block.
#pragma once

#include <reel/bench.h>

#include <vector>

#include "memory/work.h"
#include "pipeline/bench/timer.h"

namespace reel::pipeline {

struct BenchShape {
  int64_t dim = 5120, ffn_dim = 13824, blocks = 40;
  int64_t tokens = 32760, text_keys = 131;

  int64_t heads() const { return dim / 128; }
};

struct DitTimes {
  std::vector<BenchOp> ops;
  double block_s = 0;
  // What the ops sustain, as the planner counts them; zeros where nothing was measured.
  memory::Rates sustained;
};

// Limits of the machine, per second; zeros where they are not known.
struct Limits {
  double int8_ops = 0, wide_ops = 0, memory_bytes = 0;
};

DitTimes time_dit(Runtime& runtime, const BenchShape& shape, const Limits& limits);

}  // namespace reel::pipeline
