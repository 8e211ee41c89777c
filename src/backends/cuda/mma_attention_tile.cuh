// SPDX-License-Identifier: Apache-2.0
// What the loop of 8-bit attention through mma.sync is made of: 128 queries a block, 32 a warp, and
// their logits with 32 keys at a time. int8_attention.cu says why it is so.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/int8_softmax.cuh"
#include "core/numerics/small_floats.h"
#include "ops/kernels.h"

namespace reel::cuda::mma_attention_tile {

constexpr int kDim = ops::kInt8HeadDim;
constexpr int kTileKeys = 32;  // more logits would not fit the registers
static_assert(ops::kInt8KeyTile % kTileKeys == 0);
// 32 rows a warp: every fragment of k and v read from shared memory meets two of q. With 16 the
// reads would take longer than Hopper's tensor cores.
constexpr int kWarpRows = 32;
constexpr int kWarps = 4;
constexpr int kThreads = kWarps * device::kWarpSize;
constexpr int kBlockRows = kWarps * kWarpRows;
constexpr int kBlocksPerSm = 2;  // 255 registers a thread

constexpr int kRowTiles = kWarpRows / 16;  // of 16 rows, as mma takes them
constexpr int kChunk = 16;                 // bytes of one cp.async
constexpr int kKeyBytes = kDim;
constexpr int kKeyTileBytes = kTileKeys * kKeyBytes;

struct Problem {
  const int8_t* q;
  const float* q_scales;
  const int8_t* k;
  const float* k_scales;
  const void* v;  // f16, or e4m3
  const float* v_mean;
  const float* v_scales;  // of e4m3
  void* out;
  int64_t queries, keys, heads;
  int64_t padded_queries, padded_keys;
  float scale_log2;  // logits in base 2
};

// What a warp keeps while the keys go by. Lane 4 g + t has rows g and g + 8 of each 16.
struct WarpState {
  uint32_t q[kRowTiles][kDim / 32][4];
  float out[kRowTiles][kDim / 8][4];
  float largest[kRowTiles][2];  // of the logits, up to kSlack below it
  float total[kRowTiles][2];    // of this lane's weights
};

// Where byte `at` of a tile lies: in each eight rows, 16-byte chunk c of row r is at c ^ r, so that
// eight rows of one column are in eight different banks. A tile starts at a multiple of 4096.
template <int kRowBytes>
__device__ inline int swizzled(int at) {
  return at ^ ((at / (kRowBytes / kChunk)) & (7 * kChunk));
}

// Where in 16 keys a lane's row for ldmatrix starts; chunk 2 c and 2 c + 1 of it are 32 c ^
// further. Matrices 0, 1: both halves of 32 bytes of 8 keys; 2, 3: of the next 8.
__device__ inline int lane_in_keys() {
  const int row = device::lane() % 8 + device::lane() / 16 * 8;
  return row * kKeyBytes + (device::lane() / 8 % 2 ^ row % 8) * kChunk;
}

__device__ inline void start_warp(WarpState& warp, const Problem& problem, int64_t head,
                                  int64_t first_row) {
  const int group = device::lane() / 4;
  const int in_group = device::lane() % 4;
  const int64_t first = head * problem.padded_queries + first_row;
#pragma unroll
  for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int64_t row = first + 16 * tile + 8 * half + group;
      const auto* numbers = reinterpret_cast<const uint32_t*>(problem.q + row * kDim);
#pragma unroll
      for (int step = 0; step < kDim / 32; ++step) {
        warp.q[tile][step][half] = numbers[8 * step + in_group];
        warp.q[tile][step][half + 2] = numbers[8 * step + in_group + 4];
      }
      warp.largest[tile][half] = kNoMaximum;
      warp.total[tile][half] = 0;
    }
#pragma unroll
    for (auto& sums : warp.out[tile]) {
#pragma unroll
      for (float& sum : sums) sum = 0;
    }
  }
}

// 32 keys of a stage: which, and how many keys there are from its first one on. That may be more
// than 32, or none.
struct Part {
  int index;
  int keys;
};

// Where a lane's rows for ldmatrix start in the block's shared memory. `at` is its alone.
struct LaneBytes {
  const unsigned char* block;
  int at;
};

using Logits = int32_t[kRowTiles][kTileKeys / 8][4];  // kFloatZero + q k

// q k^T of 32 keys.
__device__ inline void multiply_keys(const WarpState& warp, const LaneBytes& keys, Logits& sums) {
#pragma unroll
  for (auto& tile : sums) {
#pragma unroll
    for (auto& block : tile) {
#pragma unroll
      for (int32_t& sum : block) sum = kFloatZero;
    }
  }
#pragma unroll
  for (int step = 0; step < kDim / 32; ++step) {
    const unsigned char* const column = keys.block + (keys.at ^ 2 * step * kChunk);
#pragma unroll
    for (int pair = 0; pair < kTileKeys / 16; ++pair) {
      uint32_t k[4];
      device::ldmatrix_x4(k, column + pair * 16 * kKeyBytes);
      const uint32_t left[2] = {k[0], k[1]};
      const uint32_t right[2] = {k[2], k[3]};
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        device::mma_s8(sums[tile][2 * pair], warp.q[tile][step], left);
        device::mma_s8(sums[tile][2 * pair + 1], warp.q[tile][step], right);
      }
    }
  }
}

// Gives keys of 16 rows from `count` on no weight: minus infinity is the smallest integer here,
// too. Lane 4 g + t has keys 8 b + 2 t and 8 b + 2 t + 1.
__device__ inline void mask_logits(Logits& sums, int tile, int count) {
#pragma unroll
  for (int block = 0; block < kTileKeys / 8; ++block) {
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      const int key = 8 * block + 2 * (device::lane() % 4) + at % 2;
      if (key >= count) sums[tile][block][at] = kMinusInfinity;
    }
  }
}

// The largest of a lane's sums of each of 16 rows, as what it is: q k.
__device__ inline void largest_sums(const Logits& sums, int tile, float (&largest)[2]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int32_t bits = sums[tile][0][2 * half];
#pragma unroll
    for (const auto& block : sums[tile]) {
      bits = max(bits, max(block[2 * half], block[2 * half + 1]));
    }
    largest[half] = numerics::float_of(static_cast<uint32_t>(bits)) - kFloatOffset;
  }
}

__device__ inline void start_q_scales(const Problem& problem, int64_t head, float* q_scales) {
  static_assert(kThreads == kBlockRows);
  q_scales[threadIdx.x] = problem.q_scales[head * problem.padded_queries +
                                           int64_t{blockIdx.x} * kBlockRows + threadIdx.x] *
                          problem.scale_log2;
}

// kScaled: by the scales of e4m3 values.
template <typename T, bool kScaled>
__device__ inline void store_rows(const WarpState& warp, const Problem& problem, int64_t head,
                                  int64_t first_row) {
  const int group = device::lane() / 4;
  const int in_group = device::lane() % 4;
  const float* const mean = problem.v_mean + head * kDim;
  const float* const scale = problem.v_scales + head * kDim;
#pragma unroll
  for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float inverse = 1.0f / total_of_quad(warp.total[tile][half]);
      const int64_t row = first_row + 16 * tile + 8 * half + group;
      if (row >= problem.queries) continue;
      T* const out = static_cast<T*>(problem.out) + (row * problem.heads + head) * kDim;
#pragma unroll
      for (int block = 0; block < kDim / 8; ++block) {
        const int column = 8 * block + 2 * in_group;
        Pair<T> pair;
#pragma unroll
        for (int at = 0; at < 2; ++at) {
          const float factor = kScaled ? inverse * scale[column + at] : inverse;
          device::store_from_float(
              pair.at[at], fmaf(warp.out[tile][block][2 * half + at], factor, mean[column + at]));
        }
        *reinterpret_cast<Pair<T>*>(out + column) = pair;
      }
    }
  }
}

inline Problem problem_of(const ops::Int8AttentionArgs& args) {
  return {.q = args.q,
          .q_scales = args.q_scales,
          .k = args.k,
          .k_scales = args.k_scales,
          .v = args.v_e4m3 != nullptr ? static_cast<const void*>(args.v_e4m3) : args.v,
          .v_mean = args.v_mean,
          .v_scales = args.v_scales,
          .out = args.out,
          .queries = args.queries,
          .keys = args.keys,
          .heads = args.heads,
          .padded_queries = ops::int8_padded(args.queries),
          .padded_keys = ops::int8_padded(args.keys),
          .scale_log2 = args.scale * device::kLog2E};
}

inline dim3 grid_of(const Problem& problem) {
  return dim3(static_cast<unsigned>(problem.padded_queries / kBlockRows),
              static_cast<unsigned>(problem.heads));
}

}  // namespace reel::cuda::mma_attention_tile
