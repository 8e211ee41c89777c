// SPDX-License-Identifier: Apache-2.0
// Products of rotated INT8 rows on compute capability 9.0, for which alone this file is compiled:
// the bytes of int8_linear.cu. See wgmma_tile.cuh.
#include <cuda_runtime.h>

#include <algorithm>

#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/tensor_map.h"
#include "backends/cuda/wgmma_tile.cuh"
#include "core/int8_layout.h"

namespace reel::cuda {
namespace {

constexpr int kHopper = 90;
// With fewer rows most of a tile is none.
constexpr int64_t kFewestRows = 128;

bool starts_at_16_bytes(const void* memory) {
  return reinterpret_cast<uintptr_t>(memory) % 16 == 0;
}

// Rows of W in the order of wgmma::Slot: of every 32, one copy brings two of each eight.
CUtensorMap weight_map(const MatrixView& weight) {
  const int64_t in = weight.in;
  const TensorAxis axes[] = {{.size = in, .stride = 1, .box = wgmma::kDepth},
                             {.size = 2, .stride = in, .box = 2},
                             {.size = wgmma::kPairs, .stride = 2 * in, .box = 1},
                             {.size = 4, .stride = 8 * in, .box = 4},
                             {.size = weight.out / wgmma::kColumnGroup,
                              .stride = wgmma::kColumnGroup * in,
                              .box = wgmma::kGroups}};
  return tensor_map(weight.data, axes);
}

using Kernel = decltype(&wgmma::wgmma_kernel<ops::Epilogue::kStore, float, false>);

ProductEnd end_of(const ops::LinearArgs& args) {
  return product_end(args, row_scales(args.weight.data, args.weight.out * args.weight.in));
}

}  // namespace

bool fits_wgmma_linear(const ops::LinearArgs& args) {
  return compute_capability() == kHopper && args.weight.dtype == DType::kI8 &&
         args.rows >= kFewestRows && args.weight.in % 16 == 0 &&
         args.weight.out % wgmma::kColumnGroup == 0 && starts_at_16_bytes(args.x) &&
         starts_at_16_bytes(args.weight.data) && has_known_epilogue(end_of(args));
}

void wgmma_linear(const ops::LinearArgs& args, Stream stream) {
  if (args.rows == 0) return;
  const int64_t in = args.weight.in;
  const int64_t out = args.weight.out;
  const auto parts = [](int64_t whole, int64_t part) {
    return static_cast<int>((whole + part - 1) / part);
  };
  const wgmma::Work work{.tile_rows = parts(args.rows, wgmma::kRows * wgmma::kCluster),
                         .tile_columns = parts(out, wgmma::kColumns),
                         .slots_per_tile = parts(in, wgmma::kDepth)};
  const int clusters =
      std::min(work.tile_rows * work.tile_columns, processor_count() / wgmma::kCluster);
  const TensorAxis x_axes[] = {{.size = in, .stride = 1, .box = wgmma::kDepth},
                               {.size = args.rows, .stride = in, .box = wgmma::kRows}};
  const ProductEnd end = end_of(args);
  Kernel kernel = nullptr;
  with_element_type(args.out_dtype, [&]<typename T>(T) {
    with_known_epilogue(end, [&]<ops::Epilogue kEpilogue, bool kSquares>() {
      kernel = wgmma::wgmma_kernel<kEpilogue, T, kSquares>;
    });
  });
  launch("wgmma_linear", kernel,
         {.grid = dim3(static_cast<unsigned>(clusters * wgmma::kCluster)),
          .block = dim3(wgmma::kThreads),
          .shared_bytes = sizeof(wgmma::Memory),
          .stream = static_cast<cudaStream_t>(stream.handle)},
         tensor_map(args.x, x_axes), weight_map(args.weight), end, work);
}

}  // namespace reel::cuda
