// SPDX-License-Identifier: Apache-2.0
// The numbers of product_epilogue.cuh by kernels that know the epilogue and the dtype when they are
// compiled, and find what columns need in shared memory.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/product_epilogue.cuh"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {

// Whether such kernels take it: SiLU, and squares of what was activated or added, are left to the
// others.
inline bool has_known_epilogue(const ProductEnd& end) {
  using ops::Epilogue;
  return end.whole && end.whole_terms && end.epilogue != Epilogue::kSilu &&
         (end.sum_squares == nullptr || end.epilogue == Epilogue::kStore);
}

// Calls visit.template operator()<kEpilogue, kSquares>(), of what has_known_epilogue() takes. kAdd
// is kGatedAdd with gates of one.
template <typename Visitor>
void with_known_epilogue(const ProductEnd& end, Visitor&& visit) {
  using ops::Epilogue;
  switch (end.epilogue) {
    case Epilogue::kGeluTanh: return visit.template operator()<Epilogue::kGeluTanh, false>();
    case Epilogue::kAdd:
    case Epilogue::kGatedAdd: return visit.template operator()<Epilogue::kGatedAdd, false>();
    case Epilogue::kSilu:  // has_known_epilogue() refuses it
    case Epilogue::kStore: break;
  }
  if (end.sum_squares == nullptr) return visit.template operator()<Epilogue::kStore, false>();
  visit.template operator()<Epilogue::kStore, true>();
}

// What a tile's columns need, in shared memory: a block copies it while it multiplies.
template <int kColumns, bool kGated>
struct alignas(16) Terms {
  float scale[kColumns];
  float bias[kColumns];
};
template <int kColumns>
struct alignas(16) Terms<kColumns, true> {
  float scale[kColumns];
  float bias[kColumns];
  float gate[kColumns];
};

// By the first kColumns / 4 of the threads, each four columns.
template <int kColumns>
__device__ inline void bring_terms(const float* from, const ProductEnd& end, int64_t column,
                                   int thread, float none, float (&to)[kColumns]) {
  constexpr int kChunk = 4;
  const int at = kChunk * thread;
  if (at >= kColumns) return;
  if (from != nullptr) {
    const bool valid = column + at < end.columns;
    device::cp_async_16(to + at, valid ? from + column + at : from, valid);
    return;
  }
#pragma unroll
  for (int i = 0; i < kChunk; ++i) to[at + i] = none;
}

// Starts the copies, and leaves it to the caller to close their group. `column` is the tile's
// first.
template <ops::Epilogue kEpilogue, int kColumns, bool kGated>
__device__ inline void bring_terms(const ProductEnd& end, int64_t column, int thread,
                                   Terms<kColumns, kGated>& terms) {
  bring_terms(end.w_scale, end, column, thread, 1.0f, terms.scale);
  bring_terms(end.bias, end, column, thread, 0.0f, terms.bias);
  if constexpr (kEpilogue == ops::Epilogue::kGatedAdd) {
    const bool gated = end.epilogue == ops::Epilogue::kGatedAdd;
    bring_terms(gated ? end.gate : nullptr, end, column, thread, 1.0f, terms.gate);
  }
}

// A lane's run lies in memory as neighbours where kPiece is kRun, else as pieces 4 kPiece apart.
template <int kPiece>
__device__ constexpr int column_in_run(int i) {
  return i / kPiece * 4 * kPiece + i % kPiece;
}

template <typename T, int kPiece>
struct alignas(16) PieceOf {
  static_assert(kPiece * sizeof(T) % 16 == 0);
  T at[kPiece];
};

// `from` and `to` are multiples of 16 bytes.
template <int kPiece, typename T>
__device__ inline RunOf<T> load_pieces(const T* from) {
  RunOf<T> run;
#pragma unroll
  for (int first = 0; first < kRun; first += kPiece) {
    const auto piece =
        *reinterpret_cast<const PieceOf<T, kPiece>*>(from + column_in_run<kPiece>(first));
#pragma unroll
    for (int i = 0; i < kPiece; ++i) run.at[first + i] = piece.at[i];
  }
  return run;
}
template <int kPiece, typename T>
__device__ inline void store_pieces(const RunOf<T>& run, T* to) {
#pragma unroll
  for (int first = 0; first < kRun; first += kPiece) {
    PieceOf<T, kPiece> piece;
#pragma unroll
    for (int i = 0; i < kPiece; ++i) piece.at[i] = run.at[first + i];
    *reinterpret_cast<PieceOf<T, kPiece>*>(to + column_in_run<kPiece>(first)) = piece;
  }
}

// `at` is the lane's run, from the tile's first column on.
template <ops::Epilogue kEpilogue, int kPiece, int kColumns, bool kGated>
__device__ inline ColumnTerms terms_of_run(const Terms<kColumns, kGated>& terms, int at) {
  ColumnTerms run;
  widen_run(load_pieces<kPiece>(terms.scale + at), run.scale);
  widen_run(load_pieces<kPiece>(terms.bias + at), run.bias);
  if constexpr (kEpilogue == ops::Epilogue::kGatedAdd) {
    widen_run(load_pieces<kPiece>(terms.gate + at), run.gate);
  }
  return run;
}

// Stores y as T; leaves in y what was stored.
template <int kPiece, typename T>
__device__ inline void store_rounded(T* to, bool valid, float (&y)[kRun]) {
  const RunOf<T> run = narrow_run<T>(y);
  if (valid) store_pieces<kPiece>(run, to);
  widen_run(run, y);
}

}  // namespace reel::cuda
