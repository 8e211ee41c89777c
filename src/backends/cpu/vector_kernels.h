// SPDX-License-Identifier: Apache-2.0
// Norms, softmax and single-element ops as vector code, compiled once per instruction set.
#pragma once

#include <cstdint>

#include "backends/cpu/backend.h"
#include "ops/kernels.h"

namespace reel::cpu {

struct SoftmaxRow {
  float* logits;           // [keys]; holds the weights on return when `weights_bf16` is null
  uint16_t* weights_bf16;  // [keys] bf16 bits, or null
  int64_t keys;
  float scale;            // multiplies the logits first
  const float* bias;      // [keys] added next, or null
  const float* relative;  // [keys] added next, or null
};

// out[p][c] = round(sums[p * sums_stride + c] + bias[c] + residual[p][c]) in dtype.
struct FinishPixels {
  void* out;  // [pixels, channels]
  const float* sums;
  int64_t sums_stride;
  const float* bias;     // [channels], or null
  const void* residual;  // as out, or null
  DType dtype;
  int64_t pixels, channels;
};

// What the oneDNN kernels borrow for their epilogues.
struct VectorHelpers {
  void (*softmax_row)(const SoftmaxRow& row);
  // out[i] += y[i], or out[i] += gate[i] * y[i] when gate is not null.
  void (*add_row)(float* out, const float* y, const float* gate, int64_t width);
  void (*finish_pixels)(const FinishPixels& args);
};

// Replaces the entries of `table` that this file has; `isa` is at least kAvx2.
void add_vector_kernels(ops::Kernels& table, Isa isa);
const VectorHelpers& vector_helpers(Isa isa);

}  // namespace reel::cpu
