// SPDX-License-Identifier: Apache-2.0
// Self-attention with INT8 q k^T and f16 values. Bound by the tensor cores: 4 * keys * 128
// operations for a row of 128 bytes of q. All blocks of a head run side by side, so its keys and
// values (384 bytes a key) come from L2. q, k and v start at multiples of 16 bytes.
//
// Flash attention (Dao 2023, arXiv:2307.08691) over the integers of SageAttention2 (Zhang et al.
// 2024, arXiv:2411.10958), in base 2. Three things keep the softmax below the products:
//   - The INT32 sums start at the bits of 1.5 * 2^23, so that they are floats as they stand
//     (|q k| <= 127 * 127 * 128 < 2^22): the exponent of a weight is one multiply-add of them.
//   - A row's maximum is only followed when it grew by more than kSlack. Weights are then at most
//     2^(kShift + kSlack) instead of 2^kShift, which f16 holds, and the output is hardly ever
//     rescaled. Rows do not look at each other: a row has the same bits in whatever tile it is.
//   - Sums of weights are kept per lane until the end.
#include <cuda_runtime.h>

#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/mma_attention_loop.cuh"

namespace reel::cuda {
namespace {

using namespace mma_attention_tile;  // NOLINT

constexpr int kValueBytes = 2 * kDim;

// f16 sums of 32 weights and values must stay below 65504.
template <bool kHalfSums>
constexpr float kShiftOf = kHalfSums ? 0.0f : kShift;
template <bool kHalfSums>
constexpr float kSlackOf = kHalfSums ? 2.0f : kSlack;

// Two tiles of 48 KiB of shared memory are on an SM of 100 KiB.
template <bool kHalfSums>
struct F16Values {
  static constexpr int kTiles = 1;
  static constexpr int kStages = 4;
  static constexpr int kTileBytes = kTileKeys * kValueBytes;
  static constexpr bool kScaled = false;
  static constexpr bool kMasks = false;
  using Weights = uint32_t[kRowTiles][kTileKeys / 16][4];  // f16, as the left side of a product

  __device__ static int place(int at) { return swizzled<kValueBytes>(at); }
  __device__ static int lane_in_values();
  __device__ static float logit_scale(float scale) { return short_scale(scale); }
  __device__ static void weigh(WarpState& warp, int tile, const Part& part, const Logits& sums,
                               const float (&factor)[2], const LaneBytes& values, Weights& weights);
  __device__ static void multiply(WarpState& warp, const LaneBytes& values, const Weights& weights);
};

// In 16 values, as lane_in_keys(). Matrices 0, 1: 8 columns of 8 keys and of the next 8; 2, 3: the
// next 8 columns.
template <bool kHalfSums>
__device__ inline int F16Values<kHalfSums>::lane_in_values() {
  const int row = device::lane() % 16;
  return row * kValueBytes + (device::lane() / 16 ^ row % 8) * kChunk;
}

// Moves the maxima of 16 rows that grew by more than the slack, and what was summed below the old.
template <bool kHalfSums>
__device__ inline void follow_maxima(WarpState& warp, int tile, const float (&seen)[2]) {
  float factor[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float largest = largest_of_quad(seen[half]);
    const float before = warp.largest[tile][half];
    const float now = largest > before + kSlackOf<kHalfSums> ? ceilf(largest) : before;
    factor[half] = device::exp2_approx(before - now);
    warp.largest[tile][half] = now;
    warp.total[tile][half] *= factor[half];
  }
#pragma unroll
  for (auto& sums : warp.out[tile]) {
#pragma unroll
    for (int at = 0; at < 4; ++at) sums[at] *= factor[at / 2];
  }
}

template <bool kHalfSums>
__device__ inline void F16Values<kHalfSums>::weigh(WarpState& warp, int tile, const Part& /*part*/,
                                                   const Logits& sums, const float (&factor)[2],
                                                   const LaneBytes& /*values*/, Weights& weights) {
  float seen[2];
  largest_sums(sums, tile, seen);
  bool grew = false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    seen[half] *= factor[half];
    grew |= seen[half] > warp.largest[tile][half] + kSlackOf<kHalfSums>;
  }
  if (device::vote_any(grew)) follow_maxima<kHalfSums>(warp, tile, seen);

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float offset =
        fmaf(-kFloatOffset, factor[half], kShiftOf<kHalfSums> - warp.largest[tile][half]);
#pragma unroll
    for (int block = 0; block < kTileKeys / 8; ++block) {
      float weight[2];
#pragma unroll
      for (int at = 0; at < 2; ++at) {
        const auto bits = static_cast<uint32_t>(sums[tile][block][2 * half + at]);
        weight[at] = device::exp2_approx(fmaf(numerics::float_of(bits), factor[half], offset));
        warp.total[tile][half] += weight[at];
      }
      weights[tile][block / 2][half + block % 2 * 2] = device::pack_f16x2(weight[0], weight[1]);
    }
  }
}

template <bool kHalfSums>
__device__ inline void F16Values<kHalfSums>::multiply(WarpState& warp, const LaneBytes& values,
                                                      const Weights& weights) {
#pragma unroll
  for (int pair = 0; pair < kDim / 16; ++pair) {
    const unsigned char* const column =
        values.block + (values.at ^ 2 * (pair % 4) * kChunk) + pair / 4 * 8 * kChunk;
    uint32_t sums[kRowTiles][2][2] = {};
#pragma unroll
    for (int step = 0; step < kTileKeys / 16; ++step) {
      uint32_t v[4];
      device::ldmatrix_x4_trans(v, column + step * 16 * kValueBytes);
      const uint32_t left[2] = {v[0], v[1]};
      const uint32_t right[2] = {v[2], v[3]};
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        if constexpr (kHalfSums) {
          device::mma_f16_f16(sums[tile][0], weights[tile][step], left);
          device::mma_f16_f16(sums[tile][1], weights[tile][step], right);
        } else {
          device::mma_f16(warp.out[tile][2 * pair], weights[tile][step], left);
          device::mma_f16(warp.out[tile][2 * pair + 1], weights[tile][step], right);
        }
      }
    }
    if constexpr (kHalfSums) {
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
        for (int block = 0; block < 2; ++block) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            float lo, hi;
            device::unpack_f16x2(sums[tile][block][half], lo, hi);
            warp.out[tile][2 * pair + block][2 * half] += lo;
            warp.out[tile][2 * pair + block][2 * half + 1] += hi;
          }
        }
      }
    }
  }
}

// A build for other capabilities than 9.0 has no such kernel.
bool takes_wgmma([[maybe_unused]] const ops::Int8AttentionArgs& args) {
#ifdef REEL_WITH_WGMMA
  return fits_wgmma_attention(args);
#else
  return false;
#endif
}

}  // namespace

const char* which_int8_attention(const ops::Int8AttentionArgs& args) {
  if (args.v_e4m3 != nullptr) {
    return takes_wgmma(args) ? "wgmma with e4m3 values" : "mma.sync with e4m3 values";
  }
  return takes_wgmma(args) ? "wgmma" : "mma.sync";
}

void int8_attention(const ops::Int8AttentionArgs& args, Stream stream) {
#ifdef REEL_WITH_WGMMA
  if (takes_wgmma(args)) return wgmma_attention(args, stream);
#endif
  if (args.v_e4m3 != nullptr) return e4m3_attention(args, stream);
  mma_sync_attention(args, stream);
}

void mma_sync_attention(const ops::Int8AttentionArgs& args, Stream stream) {
  constexpr bool kHalfSums = false;
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch_kernel<T, F16Values<kHalfSums>>("int8_attention", problem_of(args),
                                           static_cast<cudaStream_t>(stream.handle));
  });
}

}  // namespace reel::cuda
