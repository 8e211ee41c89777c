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
  bool whole;        // out allows runs of eight
  bool whole_terms;  // w_scale, bias and gate allow them
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
          .whole = whole_runs(args.out, args.weight.out),
          .whole_terms = whole_runs(w_scale, args.weight.out) &&
                         whole_runs(args.bias, args.weight.out) &&
                         whole_runs(args.gate, args.weight.out)};
}

// Calls visit.template operator()<kEpilogue>(). A kernel chooses once for all its runs: a choice in
// every run scatters the instructions of one path over the code of all of them. kAdd is kGatedAdd
// with gates of one.
template <typename Visitor>
__device__ inline void with_epilogue(const ProductEnd& end, Visitor&& visit) {
  using ops::Epilogue;
  switch (end.epilogue) {
    case Epilogue::kStore: visit.template operator()<Epilogue::kStore>(); break;
    case Epilogue::kGeluTanh: visit.template operator()<Epilogue::kGeluTanh>(); break;
    case Epilogue::kSilu: visit.template operator()<Epilogue::kSilu>(); break;
    case Epilogue::kAdd:
    case Epilogue::kGatedAdd: visit.template operator()<Epilogue::kGatedAdd>(); break;
  }
}

// What a run of eight columns needs, whatever the row.
struct ColumnTerms {
  float scale[kRun];
  float bias[kRun];
  float gate[kRun];
};

__device__ inline void load_columns(const float* from, const ProductEnd& end, int64_t column,
                                    float none, float (&to)[kRun]) {
  if (from != nullptr) return load_run(from, column, end.columns, end.whole_terms, to);
#pragma unroll
  for (int i = 0; i < kRun; ++i) to[i] = none;
}

__device__ inline ColumnTerms column_terms(const ProductEnd& end, int64_t column) {
  ColumnTerms terms;
  load_columns(end.w_scale, end, column, 1.0f, terms.scale);
  load_columns(end.bias, end, column, 0.0f, terms.bias);
  const bool gated = end.epilogue == ops::Epilogue::kGatedAdd;
  load_columns(gated ? end.gate : nullptr, end, column, 1.0f, terms.gate);
  return terms;
}

__device__ inline float row_term(const ProductEnd& end, int64_t row) {
  return end.x_scale == nullptr || row >= end.rows ? 1.0f : end.x_scale[row];
}

// What a run of `out` holds before, for the epilogues that add to it; the others read nothing.
// Kernels with several runs call this for some of them before the first is stored: afterwards the
// compiler cannot know that the reads do not depend on the store.
template <ops::Epilogue kEpilogue>
__device__ inline void load_old(const ProductEnd& end, int64_t row, int64_t column,
                                float (&old)[kRun]) {
  if constexpr (kEpilogue == ops::Epilogue::kGatedAdd) {
    if (row >= end.rows) return;
    const int64_t start = row * end.columns;
    if (end.out_dtype == DType::kF32) {
      load_run(static_cast<const float*>(end.out) + start, column, end.columns, end.whole, old);
    } else if (end.out_dtype == DType::kBF16) {
      load_run(static_cast<const BF16*>(end.out) + start, column, end.columns, end.whole, old);
    } else {
      load_run(static_cast<const Half*>(end.out) + start, column, end.columns, end.whole, old);
    }
  }
}

// Stores a run as T; where sums of squares are wanted, leaves in y what was stored.
template <typename T>
__device__ inline void store_result(const ProductEnd& end, int64_t row, int64_t column,
                                    float (&y)[kRun]) {
  store_run(static_cast<T*>(end.out) + row * end.columns, column, end.columns, end.whole, y);
  if (end.sum_squares == nullptr) return;
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    T stored;
    device::store_from_float(stored, y[i]);
    y[i] = device::load_as_float(stored);
  }
}

__device__ inline void store_result(const ProductEnd& end, int64_t row, int64_t column,
                                    float (&y)[kRun]) {
  if (end.out_dtype == DType::kF32) {
    store_result<float>(end, row, column, y);
  } else if (end.out_dtype == DType::kBF16) {
    store_result<BF16>(end, row, column, y);
  } else {
    store_result<Half>(end, row, column, y);
  }
}

// `y` holds the sums of eight columns: scales them, adds the bias, then y = act(y), or old + gate
// y.
template <ops::Epilogue kEpilogue>
__device__ inline void end_run(const ColumnTerms& terms, float x_scale, const float (&old)[kRun],
                               float (&y)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    y[i] = fmaf(y[i], x_scale * terms.scale[i], terms.bias[i]);
    if constexpr (kEpilogue == ops::Epilogue::kGeluTanh) y[i] = device::gelu_tanh(y[i]);
    if constexpr (kEpilogue == ops::Epilogue::kSilu) y[i] = device::silu(y[i]);
    if constexpr (kEpilogue == ops::Epilogue::kGatedAdd) y[i] = fmaf(terms.gate[i], y[i], old[i]);
  }
}

template <ops::Epilogue kEpilogue>
__device__ inline void finish_run(const ProductEnd& end, const ColumnTerms& terms, float x_scale,
                                  int64_t row, int64_t column, const float (&old)[kRun],
                                  float (&y)[kRun]) {
  if (row >= end.rows || column >= end.columns) return;
  end_run<kEpilogue>(terms, x_scale, old, y);
  store_result(end, row, column, y);
}

__device__ inline float sum_of_squares(const float (&y)[kRun]) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kRun; ++i) sum = fmaf(y[i], y[i], sum);
  return sum;
}

// Over the four lanes that share a row; each gets it.
__device__ inline float sum_of_quad(float sum) {
  sum += device::shuffle_xor(sum, 1);
  sum += device::shuffle_xor(sum, 2);
  return sum;
}

// One run, whatever it ends in. The store stands once behind the choice, not in every branch: it is
// most of the code.
__device__ inline void finish_run(const ProductEnd& end, const ColumnTerms& terms, int64_t row,
                                  int64_t column, float (&y)[kRun]) {
  if (row >= end.rows || column >= end.columns) return;
  const float x_scale = row_term(end, row);
  with_epilogue(end, [&]<ops::Epilogue kEpilogue>() {
    float old[kRun];
    load_old<kEpilogue>(end, row, column, old);
    end_run<kEpilogue>(terms, x_scale, old, y);
  });
  store_result(end, row, column, y);
}

}  // namespace reel::cuda
