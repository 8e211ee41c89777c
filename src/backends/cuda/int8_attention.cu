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

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/mma_attention_tile.cuh"

namespace reel::cuda {
namespace {

using namespace mma_attention_tile;  // NOLINT

constexpr int kStages = 4;  // 48 KiB of shared memory, twice on an SM of 100 KiB

constexpr int kValueBytes = 2 * kDim;
constexpr int kValueTileBytes = kTileKeys * kValueBytes;

// f16 sums of 32 weights and values must stay below 65504.
template <bool kHalfSums>
constexpr float kShiftOf = kHalfSums ? 0.0f : kShift;
template <bool kHalfSums>
constexpr float kSlackOf = kHalfSums ? 2.0f : kSlack;

struct Stage {
  unsigned char keys[kKeyTileBytes];
  unsigned char values[kValueTileBytes];
};

constexpr int kStageBytes = sizeof(Stage);

struct alignas(128) Tiles {
  Stage stages[kStages];
  float q_scales[kBlockRows];  // of logits in base 2; registers are short
};

// Starts copying 32 keys from `key` on and their values to the stage that is `stage` bytes into
// `tiles`.
__device__ inline void load_tile(unsigned char* tiles, int stage, const Problem& problem,
                                 int64_t key) {
  static_assert(kStageBytes % 4096 == 0);
  load_keys(tiles, stage, problem, key);
  const int thread = static_cast<int>(threadIdx.x) * kChunk;
  const int values_at = swizzled<kValueBytes>(stage + kKeyTileBytes + thread);
  const auto* const from_values =
      static_cast<const unsigned char*>(problem.v) + key * kValueBytes + thread;
#pragma unroll
  for (int at = 0; at < kValueTileBytes; at += kThreads * kChunk) {
    device::cp_async_16(tiles + values_at + at, from_values + at);
  }
}

// Where in 16 values a lane's row for ldmatrix starts, as lane_in_keys(). Matrices 0, 1: 8 columns
// of 8 keys and of the next 8; 2, 3: the next 8 columns.
__device__ inline int lane_in_values() {
  const int row = device::lane() % 16;
  return row * kValueBytes + (device::lane() / 16 ^ row % 8) * kChunk;
}

using Weights = uint32_t[kRowTiles][kTileKeys / 16][4];  // f16, as the left side of a product

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

// The weights of 16 rows and 32 keys; adds them to the totals. `factor` makes logits of sums.
template <bool kHalfSums>
__device__ inline void weigh(WarpState& warp, int tile, const Logits& sums,
                             const float (&factor)[2], Weights& weights) {
  float seen[2];
  bool grew = false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int32_t largest = sums[tile][0][2 * half];
#pragma unroll
    for (const auto& block : sums[tile]) {
      largest = max(largest, max(block[2 * half], block[2 * half + 1]));
    }
    seen[half] = (numerics::float_of(static_cast<uint32_t>(largest)) - kFloatOffset) * factor[half];
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

// Adds the weighted values of 32 keys to the output.
template <bool kHalfSums>
__device__ inline void multiply_values(WarpState& warp, const unsigned char* bytes, int at,
                                       const Weights& weights) {
#pragma unroll
  for (int pair = 0; pair < kDim / 16; ++pair) {
    const unsigned char* const column =
        bytes + (at ^ 2 * (pair % 4) * kChunk) + pair / 4 * 8 * kChunk;
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

// grid = (blocks of 128 queries, heads), block = kThreads, shared = Tiles. Three tiles are on their
// way while one is multiplied.
template <typename T, bool kHalfSums>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) int8_attention_kernel(Problem problem) {
  const device::Shared<Tiles> tiles;
  const int64_t head = blockIdx.y;
  const int64_t first_row = int64_t{blockIdx.x} * kBlockRows + device::warp_in_block() * kWarpRows;
  const int first_key = static_cast<int>(head * problem.padded_keys);
  const auto key_count = static_cast<int>(problem.keys);

  auto* const bytes = reinterpret_cast<unsigned char*>(&*tiles);
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage * kTileKeys < key_count) {
      load_tile(bytes, stage * kStageBytes, problem, first_key + stage * kTileKeys);
    }
    device::cp_async_commit();
  }
  start_q_scales(problem, head, tiles->q_scales);
  const float* const q_scales =
      tiles->q_scales + device::warp_in_block() * kWarpRows + device::lane() / 4;
  const int in_keys = lane_in_keys();
  const int in_values = kKeyTileBytes + lane_in_values();
  WarpState warp;
  start_warp(warp, problem, head, first_row);
  constexpr int kAhead = (kStages - 1) * kTileKeys;
  for (int first = 0; first < key_count; first += kTileKeys) {
    const float k_scale =
        problem.k_scales[(first_key + first) / ops::kInt8KeyTile * ops::kInt8KeyScales +
                         device::lane() % 4];
    device::cp_async_wait<kStages - 2>();
    device::sync_block();  // this tile is there, and nobody reads the one before it any more
    if (first + kAhead < key_count) {
      load_tile(bytes, (first + kAhead) / kTileKeys % kStages * kStageBytes, problem,
                first_key + first + kAhead);
    }
    device::cp_async_commit();
    const int stage = first / kTileKeys % kStages * kStageBytes;
    Logits sums;
    multiply_keys(warp, bytes, stage + in_keys, sums);
    if (key_count - first < kTileKeys) mask_logits(sums, key_count - first);
    Weights weights;
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      const float factor[2] = {short_scale(q_scales[16 * tile] * k_scale),
                               short_scale(q_scales[16 * tile + 8] * k_scale)};
      weigh<kHalfSums>(warp, tile, sums, factor, weights);
    }
    multiply_values<kHalfSums>(warp, bytes, stage + in_values, weights);
  }
  store_rows<T, false>(warp, problem, head, first_row);
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
  const Problem problem = problem_of(args);
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("int8_attention", int8_attention_kernel<T, kHalfSums>,
           {.grid = grid_of(problem),
            .block = kThreads,
            .shared_bytes = sizeof(Tiles),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           problem);
  });
}

}  // namespace reel::cuda
