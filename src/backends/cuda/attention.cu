// SPDX-License-Identifier: Apache-2.0
// Attention on heads of up to 384 columns in f16 and bf16, by tensor cores, and the choice between
// this, few_keys_attention.cu and plain_attention.cu.
//
// Bound by the tensor cores; a block reads its queries once and all keys and values once, from L2.
//
// Flash attention (Dao 2023, arXiv:2307.08691): softmax on the fly, in base 2, sums in f32.
#include <cuda_runtime.h>

#include <type_traits>

#include "backends/cuda/attention_parts.cuh"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/few_keys_attention.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/plain_attention.h"

namespace reel::cuda {
namespace {

using namespace attention_parts;

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * device::kWarpSize;
constexpr int kBlockRows = 16 * kWarps;  // 16 queries a warp

// How wide a head a kernel takes and how many of its output columns a block makes: sums of 384
// columns would not fit its registers. Blocks of one head repeat q k^T then. Narrower heads are
// filled up with zeros.
template <int kHeadDim_, int kValueDim_, int kTileKeys_>
struct Tiling {
  static constexpr int kHeadDim = kHeadDim_;
  static constexpr int kValueDim = kValueDim_;
  static constexpr int kTileKeys = kTileKeys_;
  static constexpr bool kKeepQueries = kHeadDim <= 128;  // in registers
};
using Narrow = Tiling<64, 64, 64>;
using Middle = Tiling<128, 128, 64>;
using Wide = Tiling<384, 192, 32>;  // 84 KiB of shared memory

template <typename Size>
struct alignas(128) Tiles {
  Tile<kBlockRows, Size::kHeadDim> queries;
  Tile<Size::kTileKeys, Size::kHeadDim> keys;
  Tile<Size::kTileKeys, Size::kValueDim> values;
};

// Starts copying rows [first, first + kRows) of `count` and columns [column, column + kColumns) of
// `width`; what does not exist becomes zero.
template <int kRows, int kColumns>
__device__ inline void load_tile(Tile<kRows, kColumns>& tile, const uint16_t* from, int64_t stride,
                                 int64_t first, int64_t count, int column, int width) {
  constexpr int kChunks = kColumns / kRun;
  for (int at = static_cast<int>(threadIdx.x); at < kRows * kChunks; at += kThreads) {
    const int row = at / kChunks;
    const int chunk = at % kChunks;
    const int from_column = column + chunk * kRun;
    const bool exists = first + row < count && from_column < width;
    const int64_t offset = exists ? (first + row) * stride + from_column : 0;
    device::cp_async_16(tile.at + tile.offset(row, chunk), from + offset, exists);
  }
}

struct Problem {
  ops::AttentionArgs args;
  float scale_log2;
};

// What a warp keeps while the keys go by. Lane 4 g + t has rows g and g + 8.
template <typename Size>
struct WarpState {
  uint32_t q[Size::kKeepQueries ? Size::kHeadDim / 16 : 1][4];
  float out[Size::kValueDim / 8][4];
  float largest[2];  // of the logits in base 2
  float total[2];    // of this lane's weights
};

template <typename Size>
using Logits = float[Size::kTileKeys / 8][4];

template <typename Size>
__device__ inline void load_queries(const Tile<kBlockRows, Size::kHeadDim>& queries, int step,
                                    uint32_t (&q)[4]) {
  const int row = device::warp_in_block() * 16 + device::lane() % 16;
  device::ldmatrix_x4(q, queries.at + queries.offset(row, 2 * step + device::lane() / 16));
}

template <typename T, typename Size>
__device__ inline void multiply_keys(const WarpState<Size>& warp, const Tiles<Size>& tiles,
                                     Logits<Size>& logits) {
#pragma unroll
  for (auto& block : logits) {
#pragma unroll
    for (float& sum : block) sum = 0;
  }
  const int row = device::lane() % 8 + device::lane() / 16 * 8;
#pragma unroll
  for (int step = 0; step < Size::kHeadDim / 16; ++step) {
    uint32_t q[4];
    if constexpr (Size::kKeepQueries) {
#pragma unroll
      for (int at = 0; at < 4; ++at) q[at] = warp.q[step][at];
    } else {
      load_queries<Size>(tiles.queries, step, q);
    }
#pragma unroll
    for (int pair = 0; pair < Size::kTileKeys / 16; ++pair) {
      uint32_t k[4];
      device::ldmatrix_x4(
          k, tiles.keys.at + tiles.keys.offset(16 * pair + row, 2 * step + device::lane() / 8 % 2));
      multiply<T>(logits[2 * pair], q, {k[0], k[1]});
      multiply<T>(logits[2 * pair + 1], q, {k[2], k[3]});
    }
  }
}

// Scales the logits, adds the biases and leaves out keys that do not exist.
template <typename Size, bool kBias>
__device__ inline void finish_logits(const Problem& problem, int64_t head, int64_t first_row,
                                     int64_t first_key, Logits<Size>& logits) {
  const ops::AttentionArgs& args = problem.args;
  const int group = device::lane() / 4;
  const int in_group = device::lane() % 4;
#pragma unroll
  for (int block = 0; block < Size::kTileKeys / 8; ++block) {
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      float& logit = logits[block][at];
      logit *= problem.scale_log2;
      const int64_t key = first_key + 8 * block + 2 * in_group + at % 2;
      if (key >= args.keys) {
        logit = kNoMaximum;
        continue;
      }
      if constexpr (kBias) {
        const int64_t row = first_row + group + at / 2 * 8;
        float bias = args.key_bias != nullptr ? args.key_bias[key] : 0;
        if (args.relative_bias != nullptr && row < args.queries) {
          bias += args.relative_bias[head * args.relative_stride + key - row + args.queries - 1];
        }
        logit = fmaf(bias, device::kLog2E, logit);
      }
    }
  }
}

// Replaces the logits by weights below the new maxima; rescales what was summed below the old.
template <typename T, typename Size>
__device__ inline void weigh(WarpState<Size>& warp, Logits<Size>& logits) {
  float factor[2];
  bool grew = false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float largest = warp.largest[half];
#pragma unroll
    for (const auto& block : logits) {
      largest = fmaxf(largest, fmaxf(block[2 * half], block[2 * half + 1]));
    }
    largest = fmaxf(largest, device::shuffle_xor(largest, 1));
    largest = fmaxf(largest, device::shuffle_xor(largest, 2));
    grew |= largest > warp.largest[half];
    factor[half] = device::exp2_approx(warp.largest[half] - largest);
    warp.largest[half] = largest;
  }
  if (device::vote_any(grew)) {
#pragma unroll
    for (auto& sums : warp.out) {
#pragma unroll
      for (int at = 0; at < 4; ++at) sums[at] *= factor[at / 2];
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) warp.total[half] *= factor[half];
  }
#pragma unroll
  for (auto& block : logits) {
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      block[at] = device::exp2_approx(block[at] - (warp.largest[at / 2] - kShift<T>));
      warp.total[at / 2] += block[at];
    }
  }
}

template <typename T, typename Size>
__device__ inline void multiply_values(WarpState<Size>& warp,
                                       const Tile<Size::kTileKeys, Size::kValueDim>& values,
                                       const Logits<Size>& weights) {
#pragma unroll
  for (int step = 0; step < Size::kTileKeys / 16; ++step) {
    const auto& left = weights[2 * step];
    const auto& right = weights[2 * step + 1];
    const uint32_t p[4] = {pack<T>(left[0], left[1]), pack<T>(left[2], left[3]),
                           pack<T>(right[0], right[1]), pack<T>(right[2], right[3])};
    const int row = 16 * step + device::lane() % 16;
#pragma unroll
    for (int pair = 0; pair < Size::kValueDim / 16; ++pair) {
      uint32_t v[4];
      device::ldmatrix_x4_trans(v, values.at + values.offset(row, 2 * pair + device::lane() / 16));
      multiply<T>(warp.out[2 * pair], p, {v[0], v[1]});
      multiply<T>(warp.out[2 * pair + 1], p, {v[2], v[3]});
    }
  }
}

template <typename T, typename Size>
__device__ inline void store_rows(const WarpState<Size>& warp, const Problem& problem, int64_t head,
                                  int64_t first_row, int first_column) {
  const ops::AttentionArgs& args = problem.args;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float total = warp.total[half];
    total += device::shuffle_xor(total, 1);
    total += device::shuffle_xor(total, 2);
    const float inverse = 1.0f / total;
    const int64_t row = first_row + device::lane() / 4 + 8 * half;
    if (row >= args.queries) continue;
    auto* const out =
        static_cast<uint16_t*>(args.out) + row * args.out_stride + head * args.head_dim;
#pragma unroll
    for (int block = 0; block < Size::kValueDim / 8; ++block) {
      const int column = first_column + 8 * block + device::lane() % 4 * 2;
      if (column >= args.head_dim) continue;
      *reinterpret_cast<uint32_t*>(out + column) =
          pack<T>(warp.out[block][2 * half] * inverse, warp.out[block][2 * half + 1] * inverse);
    }
  }
}

// grid = (blocks of 64 queries, heads, parts of the output's columns), block = kThreads,
// shared = Tiles. The next keys arrive during the softmax, the values during q k^T.
template <typename T, typename Size, bool kBias>
__global__ void __launch_bounds__(kThreads) attention_kernel(Problem problem) {
  const device::Shared<Tiles<Size>> tiles;
  const ops::AttentionArgs& args = problem.args;
  const int64_t head = blockIdx.y;
  const auto width = static_cast<int>(args.head_dim);
  const int value_column = static_cast<int>(blockIdx.z) * Size::kValueDim;
  const int64_t block_row = int64_t{blockIdx.x} * kBlockRows;
  const int64_t first_row = block_row + device::warp_in_block() * 16;
  const auto* q = static_cast<const uint16_t*>(args.q) + head * width;
  const auto* k = static_cast<const uint16_t*>(args.k) + head * width;
  const auto* v = static_cast<const uint16_t*>(args.v) + head * width;

  load_tile(tiles->queries, q, args.q_stride, block_row, args.queries, 0, width);
  load_tile(tiles->keys, k, args.k_stride, 0, args.keys, 0, width);
  device::cp_async_commit();
  WarpState<Size> warp{};
  warp.largest[0] = warp.largest[1] = kNoMaximum;

  for (int64_t key = 0; key < args.keys; key += Size::kTileKeys) {
    device::cp_async_wait<0>();
    device::sync_block();  // the keys are there, and nobody reads the values any more
    load_tile(tiles->values, v, args.v_stride, key, args.keys, value_column, width);
    device::cp_async_commit();
    if constexpr (Size::kKeepQueries) {
      if (key == 0) {
#pragma unroll
        for (int step = 0; step < Size::kHeadDim / 16; ++step) {
          load_queries<Size>(tiles->queries, step, warp.q[step]);
        }
      }
    }
    Logits<Size> logits;
    multiply_keys<T, Size>(warp, *tiles, logits);

    device::cp_async_wait<0>();
    device::sync_block();  // the values are there, and nobody reads the keys any more
    if (key + Size::kTileKeys < args.keys) {
      load_tile(tiles->keys, k, args.k_stride, key + Size::kTileKeys, args.keys, 0, width);
      device::cp_async_commit();
    }
    finish_logits<Size, kBias>(problem, head, first_row, key, logits);
    weigh<T, Size>(warp, logits);
    multiply_values<T, Size>(warp, tiles->values, logits);
  }
  store_rows<T, Size>(warp, problem, head, first_row, value_column);
}

// ---- launching

unsigned blocks_of(int64_t count, int64_t per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

template <typename T, typename Size>
void launch_attention(const ops::AttentionArgs& args, cudaStream_t stream) {
  const bool bias = args.key_bias != nullptr || args.relative_bias != nullptr;
  launch("attention", bias ? attention_kernel<T, Size, true> : attention_kernel<T, Size, false>,
         {.grid = dim3(blocks_of(args.queries, kBlockRows), static_cast<unsigned>(args.heads),
                       blocks_of(args.head_dim, Size::kValueDim)),
          .block = kThreads,
          .shared_bytes = sizeof(Tiles<Size>),
          .stream = stream},
         {.args = args, .scale_log2 = args.scale * device::kLog2E});
}

bool on_tensor_cores(const ops::AttentionArgs& args) {
  return args.dtype != DType::kF32 && args.head_dim <= Wide::kHeadDim && in_whole_chunks(args);
}

template <typename T>
void choose_width(const ops::AttentionArgs& args, cudaStream_t stream) {
  if (args.head_dim <= Narrow::kHeadDim) return launch_attention<T, Narrow>(args, stream);
  if (args.head_dim <= Middle::kHeadDim) return launch_attention<T, Middle>(args, stream);
  launch_attention<T, Wide>(args, stream);
}

}  // namespace

const char* which_attention(const ops::AttentionArgs& args) {
  return on_tensor_cores(args) ? "mma.sync" : "plain";
}

void attention(const ops::AttentionArgs& args, Stream stream) {
  if (fits_few_keys_attention(args)) return few_keys_attention(args, stream);
  if (!on_tensor_cores(args)) return plain_attention(args, stream);
  const auto handle = static_cast<cudaStream_t>(stream.handle);
  if (args.dtype == DType::kF16) return choose_width<Half>(args, handle);
  choose_width<BF16>(args, handle);
}

}  // namespace reel::cuda
