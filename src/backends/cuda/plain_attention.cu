// SPDX-License-Identifier: Apache-2.0
// Attention of any dtype by plain sums in f32, one query a warp: for exactness, and for shapes that
// attention.cu cannot load 16 bytes at a time. Bound by reading keys and values for every query
// anew.
#include "backends/cuda/plain_attention.h"

#include <cuda_runtime.h>

#include <cmath>

#include "backends/cuda/attention_parts.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

using attention_parts::kNoMaximum;

constexpr int kWarps = 4;
constexpr int kMostDim = 512;
constexpr int kColumnsPerLane = kMostDim / device::kWarpSize;

using Queries = float[kWarps][kMostDim];

// The logit of one query, held in `q`, and one key.
template <typename T>
__device__ inline float plain_logit(const ops::AttentionArgs& args, const float* q, int64_t head,
                                    int64_t row, int64_t key) {
  const T* const k = static_cast<const T*>(args.k) + key * args.k_stride + head * args.head_dim;
  float sum = 0;
  for (int64_t at = 0; at < args.head_dim; ++at) {
    sum = fmaf(q[at], device::load_as_float(k[at]), sum);
  }
  sum *= args.scale;
  if (args.key_bias != nullptr) sum += args.key_bias[key];
  if (args.relative_bias != nullptr) {
    sum += args.relative_bias[head * args.relative_stride + key - row + args.queries - 1];
  }
  return sum;
}

// A warp has one query of one head, a lane one of 32 keys for the logits and every 32nd column of
// the output. grid = (queries / kWarps, heads), block = kWarps * 32, shared =
// Queries.
template <typename T>
__global__ void __launch_bounds__(kWarps* device::kWarpSize)
    plain_attention_kernel(ops::AttentionArgs args) {
  const device::Shared<Queries> shared;
  const int64_t row = int64_t{blockIdx.x} * kWarps + device::warp_in_block();
  const int64_t head = blockIdx.y;
  if (row >= args.queries) return;  // a whole warp
  float* const q = (*shared)[device::warp_in_block()];
  const T* const from = static_cast<const T*>(args.q) + row * args.q_stride + head * args.head_dim;
  for (int64_t at = device::lane(); at < args.head_dim; at += device::kWarpSize) {
    q[at] = device::load_as_float(from[at]);
  }
  device::sync_warp();

  float out[kColumnsPerLane] = {};
  float largest = kNoMaximum;
  float total = 0;
  for (int64_t first = 0; first < args.keys; first += device::kWarpSize) {
    const int64_t key = first + device::lane();
    const float logit = key < args.keys ? plain_logit<T>(args, q, head, row, key) : kNoMaximum;
    const float now = fmaxf(largest, device::warp_max(logit));
    const float factor = expf(largest - now);
    const float weight = key < args.keys ? expf(logit - now) : 0;
    largest = now;
    total = total * factor + device::warp_sum(weight);
#pragma unroll
    for (float& sum : out) sum *= factor;
    for (int at = 0; at < device::kWarpSize && first + at < args.keys; ++at) {
      const float of_key = device::shuffle(weight, at);
      const T* const v = static_cast<const T*>(args.v) + (first + at) * args.v_stride +
                         head * args.head_dim + device::lane();
#pragma unroll
      for (int i = 0; i < kColumnsPerLane; ++i) {
        if (device::lane() + i * device::kWarpSize >= args.head_dim) break;
        out[i] = fmaf(of_key, device::load_as_float(v[i * device::kWarpSize]), out[i]);
      }
    }
  }
  T* const to = static_cast<T*>(args.out) + row * args.out_stride + head * args.head_dim;
#pragma unroll
  for (int i = 0; i < kColumnsPerLane; ++i) {
    const int column = device::lane() + i * device::kWarpSize;
    if (column < args.head_dim) device::store_from_float(to[column], out[i] / total);
  }
}

}  // namespace

void plain_attention(const ops::AttentionArgs& args, Stream stream) {
  if (args.head_dim > kMostDim) {
    fail(ErrorCode::kUnsupported, str_cat("the cuda backend has no attention for heads of ",
                                          args.head_dim, " columns, only up to ", kMostDim, "."));
  }
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("plain_attention", plain_attention_kernel<T>,
           {.grid = dim3(static_cast<unsigned>((args.queries + kWarps - 1) / kWarps),
                         static_cast<unsigned>(args.heads)),
            .block = kWarps * device::kWarpSize,
            .shared_bytes = sizeof(Queries),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           args);
  });
}

}  // namespace reel::cuda
