// SPDX-License-Identifier: Apache-2.0
// 8-bit self-attention on compute capability 9.0, for which alone this file is compiled. See
// wgmma_attention_tile.cuh.
#include <cuda_runtime.h>

#include "backends/cuda/device/math.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/tensor_map.h"
#include "backends/cuda/wgmma_attention_tile.cuh"

namespace reel::cuda {
namespace {

constexpr int kHopper = 90;

bool starts_at_16_bytes(const void* memory) {
  return reinterpret_cast<uintptr_t>(memory) % 16 == 0;
}

// [heads, padded rows, row_bytes], `rows` of a head in a box. A box ends with its head: rows beyond
// are zeros.
CUtensorMap heads_map(const void* data, int64_t row_bytes, int64_t padded_rows, int64_t heads,
                      int rows) {
  const TensorAxis axes[] = {
      {.size = row_bytes, .stride = 1, .box = wgmma_attention_tile::kBoxBytes},
      {.size = padded_rows, .stride = row_bytes, .box = rows},
      {.size = heads, .stride = padded_rows * row_bytes, .box = 1}};
  return tensor_map(data, axes);
}

}  // namespace

bool fits_wgmma_attention(const ops::Int8AttentionArgs& args) {
  return compute_capability() == kHopper && starts_at_16_bytes(args.q) &&
         starts_at_16_bytes(args.k) && starts_at_16_bytes(args.v);
}

void wgmma_attention(const ops::Int8AttentionArgs& args, Stream stream) {
  using namespace wgmma_attention_tile;
  const Problem problem{.q_scales = args.q_scales,
                        .k_scales = args.k_scales,
                        .v_mean = args.v_mean,
                        .out = args.out,
                        .queries = args.queries,
                        .heads = args.heads,
                        .padded_queries = ops::int8_padded(args.queries),
                        .padded_keys = ops::int8_padded(args.keys),
                        .keys = static_cast<int>(args.keys),
                        .scale_log2 = args.scale * device::kLog2E};
  const CUtensorMap q_map = heads_map(args.q, kDim, problem.padded_queries, args.heads, kBlockRows);
  const CUtensorMap k_map = heads_map(args.k, kDim, problem.padded_keys, args.heads, kKeysInCopy);
  const CUtensorMap v_map = heads_map(args.v, 2 * kDim, problem.padded_keys, args.heads, kTileKeys);
  const int64_t clusters = (args.queries + kClusterRows - 1) / kClusterRows * args.heads;
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("wgmma_attention", kernel<T>,
           {.grid = dim3(static_cast<unsigned>(clusters * kCluster)),
            .block = dim3(kThreads),
            .shared_bytes = sizeof(Memory),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           q_map, k_map, v_map, problem);
  });
}

}  // namespace reel::cuda
