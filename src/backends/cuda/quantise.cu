// SPDX-License-Identifier: Apache-2.0
// Rows of 8 bits with a scale each, by the kernel of scaled_rows.cuh. x and out are multiples
// of 16.
#include <cuda_runtime.h>

#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/scaled_rows.cuh"
#include "backends/cuda/warp_numbers.cuh"

namespace reel::cuda {
namespace {

template <typename T>
struct PlainRows : WarpNumbers<T, widen_run> {
  static constexpr bool kTwoRows = false;

  template <RunOrder, int kRows>
  __device__ void transform(LaneRuns (&)[kRows], const float (&)[kRows], int, int,
                            RowReduction<kRows>&) const {}
};

}  // namespace

void quantise_rows(const ops::QuantiseRowsArgs& args, Stream stream) {
  if (args.rows == 0) return;
  const ScaledRows out{.numbers = args.out,
                       .scales = args.scales,
                       .rows = args.rows,
                       .width = static_cast<int>(args.width)};
  with_element_type(args.dtype, [&]<typename T>(T) {
    with_scaled_runs(args.to_dtype, [&]<typename Rows>(Rows) {
      launch_scaled_rows<Rows>("quantise_rows",
                               PlainRows<T>{{static_cast<const T*>(args.x), args.width}}, out,
                               static_cast<cudaStream_t>(stream.handle));
    });
  });
}

}  // namespace reel::cuda
