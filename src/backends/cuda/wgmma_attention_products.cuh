// SPDX-License-Identifier: Apache-2.0
// Both products of wgmma_attention_tile.cuh, and how their operands lie.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/wgmma.cuh"
#include "backends/cuda/device/wgmma_attention.cuh"
#include "backends/cuda/wgmma_attention_load.cuh"
#include "backends/cuda/wgmma_promotion.cuh"
#include "backends/cuda/wgmma_softmax.cuh"

namespace reel::cuda::wgmma_attention_tile {

// Rows of q as the left side of products: 32 bytes of depth at a time.
using Query = uint32_t[kDim / 32][4];

// A lane's part of the rows of warp `warp` of the block, which lie swizzled: 16-byte chunk c of row
// r at c ^ (r % 8).
__device__ __forceinline__ void load_query(const uint8_t* block, int warp, Query& q) {
  constexpr int kChunk = 16;
  const int row = warp * kWarpRows + device::lane() / 4;
#pragma unroll
  for (int part = 0; part < 4; ++part) {
    const int at_row = row + part % 2 * 8;
#pragma unroll
    for (int step = 0; step < kDim / 32; ++step) {
      const int chunk = (2 * step + part / 2) ^ (at_row % 8);
      q[step][part] = *reinterpret_cast<const uint32_t*>(block + at_row * kDim + chunk * kChunk +
                                                         device::lane() % 4 * 4);
    }
  }
}

__device__ __forceinline__ void multiply_keys(Sums& sums, const Query& q, uint32_t keys) {
  device::wgmma_s8_64x64<false>(sums, q[0], device::wgmma_operand_of(keys));
#pragma unroll
  for (int step = 1; step < kDim / 32; ++step) {
    device::wgmma_s8_64x64<true>(sums, q[step], device::wgmma_operand_of(keys + 2 * step));
  }
  device::wgmma_commit();
}

// Starts anew, or adds to `out`.
__device__ __forceinline__ void multiply_values(Out& out, const F16::Packed& weights,
                                                uint32_t values, bool /*anew*/) {
#pragma unroll
  for (int step = 0; step < kTileKeys / 16; ++step) {
    device::wgmma_f16_64x128(out, weights[step], device::wgmma_operand_of(values + 128 * step));
  }
  device::wgmma_commit();
}

__device__ __forceinline__ void multiply_values(Out& out, const E4M3::Packed& weights,
                                                uint32_t values, bool anew) {
  constexpr int kPlane = 16 * kDim / 16;  // of 16 keys
#pragma unroll
  for (int step = 0; step < kTileKeys / 32; ++step) {
    device::wgmma_e4m3_64x128(out, weights[step],
                              device::wgmma_operand_of<device::kPlanes>(values + 2 * kPlane * step),
                              step > 0 || !anew);
  }
  device::wgmma_commit();
}

__device__ __forceinline__ uint32_t operand_of(const Values<F16>::Tile& values) {
  return device::wgmma_low_of_columns(values, sizeof(values[0]));
}
__device__ __forceinline__ uint32_t operand_of(const Values<E4M3>::Tile& values) {
  return device::wgmma_low_of_planes(values, 16 * kDim);
}

template <typename T, int kCount>
__device__ __forceinline__ void finished(T (&x)[kCount]) {
  device::wgmma_finished(x);
}
template <typename T, int kSteps>
__device__ __forceinline__ void finished(T (&x)[kSteps][4]) {
#pragma unroll
  for (auto& four : x) device::wgmma_finished(four);
}

__device__ __forceinline__ void scale_rows(Out& out, const float (&factor)[2]) {
#pragma unroll
  for (int at = 0; at < kDim / 2; at += 4) {
    out[at] *= factor[0];
    out[at + 1] *= factor[0];
    out[at + 2] *= factor[1];
    out[at + 3] *= factor[1];
  }
}

}  // namespace reel::cuda::wgmma_attention_tile
