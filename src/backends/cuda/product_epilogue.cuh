// SPDX-License-Identifier: Apache-2.0
// What matrix products end in: scales, bias, activation or residual, one rounding at the store.
// Each number goes through the same f32 operations in every kernel that uses this.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/convert.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/row_runs.cuh"
#include "ops/kernels.h"

namespace reel::cuda {

struct ProductEnd {
  const float* x_scale;  // [rows], or null: 1
  const float* w_scale;  // [columns], or null: 1
  const float* bias;     // [columns], or null
  const float* gate;     // [columns] with kGatedAdd
  void* out;             // [rows, columns] out_dtype
  float* sum_squares;    // [rows, columns / 128], or null
  int64_t rows;
  int64_t columns;
  DType out_dtype;
  ops::Epilogue epilogue;
  bool whole;  // out allows runs of eight
};

inline ProductEnd product_end(const ops::LinearArgs& args, const float* w_scale) {
  return {.x_scale = args.x_scale,
          .w_scale = w_scale,
          .bias = args.bias,
          .gate = args.gate,
          .out = args.out,
          .sum_squares = args.sum_squares,
          .rows = args.rows,
          .columns = args.weight.out,
          .out_dtype = args.out_dtype,
          .epilogue = args.epilogue,
          .whole = whole_runs(args.out, args.weight.out)};
}

// What a run of eight columns needs, whatever the row.
struct ColumnTerms {
  float scale[kRun];
  float bias[kRun];
  float gate[kRun];
};

__device__ inline void load_columns(const float* from, int64_t column, int64_t columns, float none,
                                    float (&to)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    to[i] = from != nullptr && column + i < columns ? from[column + i] : none;
  }
}

__device__ inline ColumnTerms column_terms(const ProductEnd& end, int64_t column) {
  ColumnTerms terms;
  load_columns(end.w_scale, column, end.columns, 1.0f, terms.scale);
  load_columns(end.bias, column, end.columns, 0.0f, terms.bias);
  const bool gated = end.epilogue == ops::Epilogue::kGatedAdd;
  load_columns(gated ? end.gate : nullptr, column, end.columns, 1.0f, terms.gate);
  return terms;
}

// y = act(y), or out + gate y; stores it as T and leaves in y what was stored.
template <typename T>
__device__ inline void finish_run_as(const ProductEnd& end, const ColumnTerms& terms, int64_t row,
                                     int64_t column, float (&y)[kRun]) {
  T* out = static_cast<T*>(end.out) + row * end.columns;
  switch (end.epilogue) {
    case ops::Epilogue::kStore: break;
    case ops::Epilogue::kGeluTanh:
#pragma unroll
      for (int i = 0; i < kRun; ++i) y[i] = device::gelu_tanh(y[i]);
      break;
    case ops::Epilogue::kSilu:
#pragma unroll
      for (int i = 0; i < kRun; ++i) y[i] = device::silu(y[i]);
      break;
    case ops::Epilogue::kAdd:
    case ops::Epilogue::kGatedAdd: {
      float old[kRun];
      load_run(out, column, end.columns, end.whole, old);
#pragma unroll
      for (int i = 0; i < kRun; ++i) y[i] = fmaf(terms.gate[i], y[i], old[i]);
      break;
    }
  }
  store_run(out, column, end.columns, end.whole, y);
  if (end.sum_squares == nullptr) return;
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    T stored;
    device::store_from_float(stored, y[i]);
    y[i] = device::load_as_float(stored);
  }
}

// `y` holds the sums of eight columns; what is stored is left in it.
__device__ inline void finish_run(const ProductEnd& end, const ColumnTerms& terms, int64_t row,
                                  int64_t column, float (&y)[kRun]) {
  const float x_scale = end.x_scale == nullptr ? 1.0f : end.x_scale[row];
#pragma unroll
  for (int i = 0; i < kRun; ++i) y[i] = fmaf(y[i], x_scale * terms.scale[i], terms.bias[i]);
  if (end.out_dtype == DType::kF32) {
    finish_run_as<float>(end, terms, row, column, y);
  } else if (end.out_dtype == DType::kBF16) {
    finish_run_as<BF16>(end, terms, row, column, y);
  } else {
    finish_run_as<Half>(end, terms, row, column, y);
  }
}

}  // namespace reel::cuda
