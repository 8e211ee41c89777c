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

template <typename Numbers>
struct PlainRows : Numbers {
  template <typename, int kRows>
  __device__ void transform(typename Numbers::Taken (&)[kRows], const float (&)[kRows], int, int,
                            RowReduction<kRows>&) const {}
};

template <typename Rows, typename Numbers>
void launch_rows(const ops::QuantiseRowsArgs& args, const Numbers& numbers, Stream stream) {
  launch_scaled_rows<Rows>("quantise_rows", PlainRows<Numbers>{numbers},
                           {.numbers = args.out,
                            .scales = args.scales,
                            .rows = args.rows,
                            .width = static_cast<int>(args.width)},
                           static_cast<cudaStream_t>(stream.handle));
}

}  // namespace

void quantise_rows(const ops::QuantiseRowsArgs& args, Stream stream) {
  if (args.rows == 0) return;
  with_element_type(args.dtype, [&]<typename T>(T) {
    with_rows_of_floats(args.to_dtype, static_cast<const T*>(args.x), args.width,
                        [&]<typename Rows>(Rows, const auto& numbers) {
                          launch_rows<Rows>(args, numbers, stream);
                        });
  });
}

}  // namespace reel::cuda
