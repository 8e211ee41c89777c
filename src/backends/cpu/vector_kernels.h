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
  bool relu;  // at the end
};

// One row of sums to out: y = sums * x_scale * w_scales + bias, then the epilogue.
struct FinishScaledRow {
  const int32_t* int_sums;  // one of both
  const float* float_sums;
  float x_scale;
  const float* w_scales;  // [width]
  const float* bias;      // [width], or null
  const float* gate;      // [width] for kGatedAdd
  ops::Epilogue epilogue;
  void* out;
  DType dtype;
  int64_t start;  // of the row within out, in elements
  int64_t width;
};

// What the oneDNN kernels borrow for their epilogues.
struct VectorHelpers {
  void (*softmax_row)(const SoftmaxRow& row);
  // out[i] += y[i], or out[i] += gate[i] * y[i] when gate is not null.
  void (*add_row)(float* out, const float* y, const float* gate, int64_t width);
  void (*finish_pixels)(const FinishPixels& args);
  // Rotates and quantises one row of x [rows, width]; returns its scale.
  float (*quantise_row)(const void* x, DType dtype, int64_t start, int64_t width, int8_t* out);
  // sums[c] = x . w[c] for row-major w [columns, width]; exact.
  void (*int8_products)(const int8_t* x, const int8_t* w, int64_t width, int64_t columns,
                        int32_t* sums);
  void (*finish_scaled_row)(const FinishScaledRow& args);
};

// Replaces the entries of `table` that this file has; `isa` is at least kAvx2.
void add_vector_kernels(ops::Kernels& table, Isa isa);
const VectorHelpers& vector_helpers(Isa isa);

// Sums [rows, weight.out] of a product of rows with scales: one of both pointers.
struct ScaledSums {
  const int32_t* ints;
  const float* floats;
  const float* column_scales;  // [weight.out]
};

// Scales, adds the bias and stores all rows of a product.
void finish_scaled_rows(const ops::LinearArgs& args, const ScaledSums& sums);

}  // namespace reel::cpu
