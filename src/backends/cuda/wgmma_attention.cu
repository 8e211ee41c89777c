// SPDX-License-Identifier: Apache-2.0
// 8-bit self-attention on compute capability 9.0, for which alone this file is compiled, with f16
// or e4m3 values. See wgmma_attention_tile.cuh.
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

using namespace wgmma_attention_tile;  // NOLINT

constexpr int kHopper = 90;

bool starts_at_16_bytes(const void* memory) {
  return reinterpret_cast<uintptr_t>(memory) % 16 == 0;
}

// [heads, padded rows, row_bytes], `rows` of a head in a box. A box ends with its head: rows beyond
// are zeros.
CUtensorMap heads_map(const void* data, int64_t row_bytes, int64_t all_rows, int64_t heads,
                      int rows) {
  const int64_t padded_rows = ops::int8_padded(all_rows);
  const TensorAxis axes[] = {{.size = row_bytes, .stride = 1, .box = kBoxBytes},
                             {.size = padded_rows, .stride = row_bytes, .box = rows},
                             {.size = heads, .stride = padded_rows * row_bytes, .box = 1}};
  return tensor_map(data, axes);
}

template <typename Kind>
void attend(const ops::Int8AttentionArgs& args, const typename Values<Kind>::Source& v,
            Stream stream) {
  const Problem problem{.q_scales = args.q_scales,
                        .k_scales = args.k_scales,
                        .v_mean = args.v_mean,
                        .v_scales = args.v_scales,
                        .out = args.out,
                        .queries = args.queries,
                        .heads = args.heads,
                        .padded_queries = ops::int8_padded(args.queries),
                        .padded_keys = ops::int8_padded(args.keys),
                        .keys = static_cast<int>(args.keys),
                        .scale_log2 = args.scale * device::kLog2E};
  const CUtensorMap q_map = heads_map(args.q, kDim, args.queries, args.heads, kBlockRows);
  const CUtensorMap k_map = heads_map(args.k, kDim, args.keys, args.heads, kKeysInCopy);
  const int64_t clusters = (args.queries + kClusterRows - 1) / kClusterRows * args.heads;
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("wgmma_attention", kernel<T, Kind>,
           {.grid = dim3(static_cast<unsigned>(clusters * kCluster)),
            .block = dim3(kThreads),
            .shared_bytes = sizeof(Memory<Kind>),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           q_map, k_map, v, problem);
  });
}

}  // namespace

bool fits_wgmma_attention(const ops::Int8AttentionArgs& args) {
  const void* const values =
      args.v_e4m3 != nullptr ? static_cast<const void*>(args.v_e4m3) : args.v;
  return compute_capability() == kHopper && starts_at_16_bytes(args.q) &&
         starts_at_16_bytes(args.k) && starts_at_16_bytes(values);
}

void wgmma_attention(const ops::Int8AttentionArgs& args, Stream stream) {
  if (args.v_e4m3 != nullptr) return attend<E4M3>(args, args.v_e4m3, stream);
  attend<F16>(args, heads_map(args.v, 2 * kDim, args.keys, args.heads, kTileKeys), stream);
}

}  // namespace reel::cuda
