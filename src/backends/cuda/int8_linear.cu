// SPDX-License-Identifier: Apache-2.0
// Products of rotated INT8 rows: exact INT32 sums, times both scales. See product_tile.cuh.
#include <cuda_runtime.h>

#include "backends/cuda/kernels.h"
#include "backends/cuda/product_tile.cuh"
#include "core/int8_layout.h"

namespace reel::cuda {

void int8_linear(const ops::LinearArgs& args, Stream stream) {
  if (args.rows == 0) return;
  const ProductOperands operands{.x = static_cast<const uint8_t*>(args.x),
                                 .w = static_cast<const uint8_t*>(args.weight.data),
                                 .row_bytes = args.weight.in};
  const ProductEnd end =
      product_end(args, row_scales(args.weight.data, args.weight.out * args.weight.in));
  if (args.rows >= kRowsForLargeTile) {
    launch_product<Int8Product, LargeTile>("int8_linear", operands, end, stream);
  } else {
    launch_product<Int8Product, SmallTile>("int8_linear", operands, end, stream);
  }
}

}  // namespace reel::cuda
