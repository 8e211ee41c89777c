// SPDX-License-Identifier: Apache-2.0
// Attention of many queries to few keys, as that to a prompt: heads of 128 columns, f16 and bf16.
//
// Bound by memory, by shared memory and by the tensor cores about equally. All keys and values of a
// head stay in shared memory while queries go by, so that the logits of a query are in registers at
// once: the softmax needs no second look at what it has summed. Queries arrive while those before
// them are weighed. Blocks stay, each with a part of all queries of all heads in a row.
#include <cuda_runtime.h>

#include <algorithm>

#include "backends/cuda/attention_parts.cuh"
#include "backends/cuda/device/approx.cuh"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/few_keys_attention.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"

namespace reel::cuda {
namespace {

using namespace attention_parts;

constexpr int kDim = 128;
constexpr int kChunks = kDim / kRun;  // of a row
constexpr int kWarpQueries = 16;
constexpr int kStepKeys = 16;
constexpr int kStepElements = kStepKeys * kDim;
constexpr int kWarps = 6;  // two blocks of 170 registers a thread fit a multiprocessor
constexpr int kThreads = kWarps * device::kWarpSize;
constexpr int kTileQueries = kWarps * kWarpQueries;

struct Problem {
  ops::AttentionArgs args;
  float scale_log2;
  int64_t tiles;  // of queries, for each head
};

struct FewKeysShared {
  float bias[kMostFewKeys];          // in base 2; far below all logits where no key is
  alignas(128) uint16_t rows[kRun];  // keys, values, then 16 queries for each warp
};

size_t shared_bytes(int steps) {
  constexpr int kRowBytes = kDim * sizeof(uint16_t);
  return sizeof(FewKeysShared) +
         static_cast<size_t>(kRowBytes * (2 * steps * kStepKeys + kTileQueries));
}

// Where chunk `chunk` of row `row` lies: eight rows of one column are in different banks.
__device__ inline int place(int row, int chunk) { return Tile<8, kDim>::offset(row, chunk); }

// Starts copying kRows rows, of which those from `rows` on do not exist, by kOf threads.
template <int kRows, int kOf>
__device__ inline void load_rows(uint16_t* to, const uint16_t* from, int64_t stride, int64_t rows,
                                 int thread) {
  constexpr int kAtOnce = kOf / kChunks;
  const int chunk = thread % kChunks;
  const int first = thread / kChunks;
  const uint16_t* at = from + first * stride + chunk * kRun;
#pragma unroll 4
  for (int row = first; row < kRows; row += kAtOnce, at += kAtOnce * stride) {
    const bool exists = row < rows;
    device::cp_async_16(to + place(row, chunk), exists ? at : from, exists);
  }
}

template <int kSteps>
using Logits = float[2 * kSteps][4];  // lane 4 g + t: keys 2 t and 2 t + 1 of rows g and g + 8
template <int kSteps>
using Weights = uint32_t[kSteps][4];
using Out = float[kDim / 8][4];

template <typename T, int kSteps>
__device__ inline void multiply_keys(const uint16_t* queries, const uint16_t* keys,
                                     Logits<kSteps>& logits) {
#pragma unroll
  for (auto& block : logits) {
#pragma unroll
    for (float& sum : block) sum = 0;
  }
  const int lane = device::lane();
  const int row = lane % 8 + lane / 16 * 8;
#pragma unroll
  for (int depth = 0; depth < kDim / 16; ++depth) {
    uint32_t q[4];
    device::ldmatrix_x4(q, queries + place(lane % 16, 2 * depth + lane / 16));
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      uint32_t k[4];
      device::ldmatrix_x4(k, keys + step * kStepElements + place(row, 2 * depth + lane / 8 % 2));
      multiply<T>(logits[2 * step], q, {k[0], k[1]});
      multiply<T>(logits[2 * step + 1], q, {k[2], k[3]});
    }
  }
}

// The weights of the logits below their largest, and their sums by row.
template <typename T, int kSteps>
__device__ inline void weigh(const float* bias, float scale_log2, Logits<kSteps>& logits,
                             Weights<kSteps>& weights, float (&total)[2]) {
  float largest[2] = {kNoMaximum, kNoMaximum};
#pragma unroll
  for (int block = 0; block < 2 * kSteps; ++block) {
    const float2 of_keys =
        *reinterpret_cast<const float2*>(bias + 8 * block + device::lane() % 4 * 2);
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      float& logit = logits[block][at];
      logit = fmaf(logit, scale_log2, at % 2 == 0 ? of_keys.x : of_keys.y);
      largest[at / 2] = fmaxf(largest[at / 2], logit);
    }
  }
#pragma unroll
  for (float& of_row : largest) {
    of_row = fmaxf(of_row, device::shuffle_xor(of_row, 1));
    of_row = fmaxf(of_row, device::shuffle_xor(of_row, 2));
    of_row -= kShift<T>;
  }
  total[0] = total[1] = 0;
#pragma unroll
  for (int block = 0; block < 2 * kSteps; ++block) {
    float(&of)[4] = logits[block];
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      of[at] = device::exp2_approx(of[at] - largest[at / 2]);
      total[at / 2] += of[at];
    }
    weights[block / 2][block % 2 * 2] = pack<T>(of[0], of[1]);
    weights[block / 2][block % 2 * 2 + 1] = pack<T>(of[2], of[3]);
  }
#pragma unroll
  for (float& of_row : total) {
    of_row += device::shuffle_xor(of_row, 1);
    of_row += device::shuffle_xor(of_row, 2);
  }
}

template <typename T, int kSteps>
__device__ inline void multiply_values(const Weights<kSteps>& weights, const uint16_t* values,
                                       Out& out) {
#pragma unroll
  for (auto& block : out) {
#pragma unroll
    for (float& sum : block) sum = 0;
  }
  const int lane = device::lane();
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int pair = 0; pair < kDim / 16; ++pair) {
      uint32_t v[4];
      device::ldmatrix_x4_trans(
          v, values + step * kStepElements + place(lane % 16, 2 * pair + lane / 16));
      multiply<T>(out[2 * pair], weights[step], {v[0], v[1]});
      multiply<T>(out[2 * pair + 1], weights[step], {v[2], v[3]});
    }
  }
}

// Neighbouring lanes swap halves, so that each stores four columns in a row and four lanes 32
// bytes.
template <typename T>
__device__ inline void store_rows(const Out& out, const float (&total)[2], const Problem& problem,
                                  int64_t head, int64_t first_row) {
  const ops::AttentionArgs& args = problem.args;
  const int in_group = device::lane() % 4;
  const bool odd = in_group % 2 != 0;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int64_t row = first_row + device::lane() / 4 + 8 * half;
    const float inverse = 1.0f / total[half];
    auto* const to = static_cast<uint16_t*>(args.out) + row * args.out_stride + head * kDim +
                     (odd ? 8 : 0) + in_group / 2 * 4;
#pragma unroll
    for (int pair = 0; pair < kDim / 16; ++pair) {
      const float(&left)[4] = out[2 * pair];
      const float(&right)[4] = out[2 * pair + 1];
      const uint32_t of_left = pack<T>(left[2 * half] * inverse, left[2 * half + 1] * inverse);
      const uint32_t of_right = pack<T>(right[2 * half] * inverse, right[2 * half + 1] * inverse);
      const uint32_t other = device::shuffle_xor(odd ? of_left : of_right, 1);
      const uint2 four = odd ? uint2{other, of_right} : uint2{of_left, other};
      if (row < args.queries) *reinterpret_cast<uint2*>(to + 16 * pair) = four;
    }
  }
}

// Keys are filled up to kSteps of 16. grid: up to one block for each tile of all heads; block =
// kThreads; shared = shared_bytes().
template <typename T, int kSteps>
__global__ void __launch_bounds__(kThreads, 2) few_keys_kernel(const Problem problem) {
  const device::Shared<FewKeysShared> shared;
  const ops::AttentionArgs& args = problem.args;
  const auto thread = static_cast<int>(threadIdx.x);
  constexpr int kKeys = kSteps * kStepKeys;
  uint16_t* const keys = shared->rows;
  uint16_t* const values = keys + kKeys * kDim;
  uint16_t* const queries = values + (kKeys + device::warp_in_block() * kWarpQueries) * kDim;

  for (int key = thread; key < kKeys; key += kThreads) {
    const float bias = args.key_bias == nullptr || key >= args.keys ? 0 : args.key_bias[key];
    shared->bias[key] = key < args.keys ? bias * device::kLog2E : kNoMaximum;
  }
  const int64_t count = problem.tiles * args.heads;
  const int64_t begin = count * blockIdx.x / gridDim.x;
  const int64_t end = count * (blockIdx.x + 1) / gridDim.x;
  const auto row_of = [&](int64_t unit) {
    return unit % problem.tiles * kTileQueries + device::warp_in_block() * kWarpQueries;
  };
  const auto start_queries = [&](int64_t unit) {
    const int64_t row = row_of(unit);
    const auto* from = static_cast<const uint16_t*>(args.q) + unit / problem.tiles * kDim;
    load_rows<kWarpQueries, device::kWarpSize>(
        queries, row < args.queries ? from + row * args.q_stride : from, args.q_stride,
        args.queries - row, device::lane());
  };

  if (begin < end) start_queries(begin);
  int64_t held = -1;  // the head whose keys are there
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t head = unit / problem.tiles;
    if (head != held) {
      device::sync_block();  // nobody reads the last head's any more
      load_rows<kKeys, kThreads>(keys, static_cast<const uint16_t*>(args.k) + head * kDim,
                                 args.k_stride, args.keys, thread);
      load_rows<kKeys, kThreads>(values, static_cast<const uint16_t*>(args.v) + head * kDim,
                                 args.v_stride, args.keys, thread);
      device::cp_async_commit();
      device::cp_async_wait<0>();
      device::sync_block();
      held = head;
    } else {
      device::cp_async_wait<0>();
      device::sync_warp();
    }
    Logits<kSteps> logits;
    multiply_keys<T, kSteps>(queries, keys, logits);
    device::sync_warp();
    if (unit + 1 < end) start_queries(unit + 1);
    device::cp_async_commit();
    Weights<kSteps> weights;
    float total[2];
    weigh<T, kSteps>(shared->bias, problem.scale_log2, logits, weights, total);
    Out out;
    multiply_values<T, kSteps>(weights, values, out);
    store_rows<T>(out, total, problem, head, row_of(unit));
  }
}

template <typename T, int kSteps>
void launch_few_keys(const ops::AttentionArgs& args, Stream stream) {
  const int64_t tiles = (args.queries + kTileQueries - 1) / kTileQueries;
  const int64_t blocks = std::min<int64_t>(tiles * args.heads, 2 * processor_count());
  launch("few_keys_attention", few_keys_kernel<T, kSteps>,
         {.grid = dim3(static_cast<unsigned>(blocks)),
          .block = kThreads,
          .shared_bytes = shared_bytes(kSteps),
          .stream = static_cast<cudaStream_t>(stream.handle)},
         {.args = args, .scale_log2 = args.scale * device::kLog2E, .tiles = tiles});
}

}  // namespace

bool fits_few_keys_attention(const ops::AttentionArgs& args) {
  return args.dtype != DType::kF32 && args.head_dim == kDim && args.keys > 0 &&
         args.keys <= kMostFewKeys && args.relative_bias == nullptr && in_whole_chunks(args);
}

void few_keys_attention(const ops::AttentionArgs& args, Stream stream) {
  const auto run = [&]<typename T>(T) {
    if (args.keys <= 3 * kStepKeys) return launch_few_keys<T, 3>(args, stream);
    if (args.keys <= 5 * kStepKeys) return launch_few_keys<T, 5>(args, stream);
    if (args.keys <= 7 * kStepKeys) return launch_few_keys<T, 7>(args, stream);
    launch_few_keys<T, 9>(args, stream);
  };
  static_assert(kMostFewKeys == 9 * kStepKeys);
  if (args.dtype == DType::kF16) return run(Half{});
  run(BF16{});
}

}  // namespace reel::cuda
