// SPDX-License-Identifier: Apache-2.0
// f32 sums for products whose own keep some 13 bits below their largest term: those of e4m3 on 9.0.
// There are no registers for them beside three warpgroups', so they are in shared memory, and what
// the tensor cores summed is added to them every kPromotedTiles tiles.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/math.cuh"
#include "backends/cuda/wgmma_attention_load.cuh"

namespace reel::cuda::wgmma_attention_tile {

// The worst is terms that are all alike: under 1 % of their sum is cut off.
inline constexpr int kPromotedTiles = 8;
static_assert(kPromotedTiles % kStages == 0, "only slot 1 starts anew");

using Out = float[kDim / 2];  // of a lane, as sums of logits lie

// A lane's sums of what it has multiplied, if `out` is not all of it.
template <typename Kind>
struct Promoted {
  __device__ Promoted(Kept<Kind>&, int /*group*/) {}
  __device__ static constexpr bool starts_anew(int /*tile*/) { return false; }
  __device__ void add(const Out&, const Rows&) {}
  __device__ void take(Out&, const Rows&) {}
};

template <>
struct Promoted<E4M3> {
  float4* sums;      // kGroupThreads apart
  float largest[2];  // what they are relative to, as `out` is to the maxima of its rows

  __device__ __forceinline__ Promoted(Kept<E4M3>& kept, int group)
      : sums(&kept.sums[group][0][threadIdx.x % kGroupThreads]), largest{kNoMaximum, kNoMaximum} {
#pragma unroll
    for (int at = 0; at < kDim / 8; ++at) sums[at * kGroupThreads] = make_float4(0, 0, 0, 0);
  }

  // Whether the product that runs beside the logits of `tile` does not add to `out`.
  __device__ static bool starts_anew(int tile) { return tile % kPromotedTiles == 1; }

  __device__ __forceinline__ void add(const Out& out, const Rows& rows) {
    float factor[2];
    follow(rows, factor);
#pragma unroll
    for (int at = 0; at < kDim / 8; ++at) sums[at * kGroupThreads] = sum_of(out, at, factor);
  }

  // The whole, in `out`.
  __device__ __forceinline__ void take(Out& out, const Rows& rows) {
    float factor[2];
    follow(rows, factor);
#pragma unroll
    for (int at = 0; at < kDim / 8; ++at) {
      const float4 sum = sum_of(out, at, factor);
      out[4 * at] = sum.x;
      out[4 * at + 1] = sum.y;
      out[4 * at + 2] = sum.z;
      out[4 * at + 3] = sum.w;
    }
  }

 private:
  __device__ __forceinline__ void follow(const Rows& rows, float (&factor)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      factor[half] = device::exp2_approx(largest[half] - rows.largest[half]);
      largest[half] = rows.largest[half];
    }
  }
  __device__ __forceinline__ float4 sum_of(const Out& out, int at, const float (&factor)[2]) const {
    const float4 before = sums[at * kGroupThreads];
    return {fmaf(before.x, factor[0], out[4 * at]), fmaf(before.y, factor[0], out[4 * at + 1]),
            fmaf(before.z, factor[1], out[4 * at + 2]), fmaf(before.w, factor[1], out[4 * at + 3])};
  }
};

}  // namespace reel::cuda::wgmma_attention_tile
