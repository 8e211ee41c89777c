// SPDX-License-Identifier: Apache-2.0
// Products with bf16 and f16 weights on the tensor cores, f32 sums. See product_tile.cuh. x of
// another type is rounded to the weight's on its way into shared memory.
#include <cuda_runtime.h>

#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/product_tile.cuh"

namespace reel::cuda {
namespace {

template <typename Weight, typename Product>
void launch_half_linear(const ops::LinearArgs& args, Stream stream) {
  constexpr const char* kName = "half_linear";
  const ProductOperands operands{
      .x = static_cast<const uint8_t*>(args.x),
      .w = static_cast<const uint8_t*>(args.weight.data),
      .row_bytes = args.weight.in * static_cast<int64_t>(sizeof(Weight))};
  const ProductEnd end = product_end(args, nullptr);
  with_element_type(args.x_dtype, [&]<typename X>(X) {
    if constexpr (!std::is_same_v<X, Weight>) {
      launch_product<Product, SmallTile, RoundX<X, Weight>>(kName, operands, end, stream);
    } else if (args.rows >= kRowsForLargeTile) {
      launch_product<Product, LargeTile>(kName, operands, end, stream);
    } else {
      launch_product<Product, SmallTile>(kName, operands, end, stream);
    }
  });
}

}  // namespace

bool fits_half_linear(const ops::LinearArgs& args) {
  return (args.weight.dtype == DType::kBF16 || args.weight.dtype == DType::kF16) &&
         whole_runs(args.x, args.weight.in) && whole_runs(args.weight.data, args.weight.in);
}

void half_linear(const ops::LinearArgs& args, Stream stream) {
  if (args.rows == 0) return;
  if (args.weight.dtype == DType::kBF16) {
    launch_half_linear<BF16, BF16Product>(args, stream);
  } else {
    launch_half_linear<Half, F16Product>(args, stream);
  }
}

}  // namespace reel::cuda
