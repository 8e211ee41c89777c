// SPDX-License-Identifier: Apache-2.0
// Products of rotated INT8 rows: exact INT32 sums, times both scales. See product_tile.cuh.
#include <cuda_runtime.h>

#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/known_epilogue.cuh"
#include "backends/cuda/product_known_end.cuh"
#include "backends/cuda/product_tile.cuh"
#include "core/int8_layout.h"

namespace reel::cuda {
namespace {

constexpr const char* kName = "int8_linear";

bool has_known_end(const ProductEnd& end) {
  return has_known_epilogue(end) && end.columns % kColumnGroup == 0;
}

void launch_with_known_end(const ProductOperands& operands, const ProductEnd& end, Stream stream) {
  with_element_type(end.out_dtype, [&]<typename T>(T) {
    with_known_epilogue(end, [&]<ops::Epilogue kEpilogue, bool kSquares>() {
      using End = KnownEnd<LargeTile, kEpilogue, T, kSquares>;
      static_assert(sizeof(TileMemory<LargeTile, End>) <= 99 * 1024, "what 8.6 and 8.9 have");
      launch_product<Int8Product, LargeTile, CopyX, End>(kName, operands, end, stream);
    });
  });
}

}  // namespace

void int8_linear(const ops::LinearArgs& args, Stream stream) {
  if (args.rows == 0) return;
  const ProductOperands operands{.x = static_cast<const uint8_t*>(args.x),
                                 .w = static_cast<const uint8_t*>(args.weight.data),
                                 .row_bytes = args.weight.in};
  const ProductEnd end =
      product_end(args, row_scales(args.weight.data, args.weight.out * args.weight.in));
  if (args.rows < kRowsForLargeTile) {
    launch_product<Int8Product, SmallTile>(kName, operands, end, stream);
  } else if (has_known_end(end)) {
    launch_with_known_end(operands, end, stream);
  } else {
    launch_product<Int8Product, LargeTile>(kName, operands, end, stream);
  }
}

}  // namespace reel::cuda
