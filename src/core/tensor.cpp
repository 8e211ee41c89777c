// SPDX-License-Identifier: Apache-2.0
#include "core/tensor.h"

#include <vector>

#include "base/error.h"

namespace reel {

TensorView TensorView::slice(int64_t begin, int64_t count) const {
  REEL_REQUIRE(shape.axes() > 0 && begin >= 0 && count >= 0 && begin + count <= shape[0], kInternal,
               str_cat("slice [", begin, ", ", begin + count, ") of ", shape));
  std::vector<int64_t> extents(shape.extents().begin(), shape.extents().end());
  const int64_t row_elements = extents[0] == 0 ? 0 : elements() / extents[0];
  extents[0] = count;
  return {.data = static_cast<std::byte*>(data) + storage_bytes(dtype, begin * row_elements),
          .dtype = dtype,
          .shape = Shape(extents)};
}

TensorView TensorView::reshaped(const Shape& other) const {
  REEL_REQUIRE(other.elements() == elements(), kInternal,
               str_cat("cannot view ", shape, " as ", other));
  return {.data = data, .dtype = dtype, .shape = other};
}

}  // namespace reel
