// SPDX-License-Identifier: Apache-2.0
#include "core/shape.h"

#include <algorithm>
#include <ostream>

#include "base/error.h"

namespace reel {

Shape::Shape(std::span<const int64_t> extents) : axes_(static_cast<int>(extents.size())) {
  REEL_REQUIRE(
      extents.size() <= kMostAxes, kInvalidArgument,
      str_cat("A tensor has ", extents.size(), " axes; at most ", kMostAxes, " are supported."));
  for (const int64_t extent : extents) {
    REEL_REQUIRE(extent >= 0, kInvalidArgument, str_cat("A tensor has the extent ", extent, '.'));
  }
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

int64_t Shape::rows() const {
  int64_t product = 1;
  for (int axis = 0; axis + 1 < axes_; ++axis) product *= (*this)[axis];
  return product;
}

int64_t Shape::elements() const { return rows() * width(); }

bool operator==(const Shape& a, const Shape& b) {
  return std::ranges::equal(a.extents(), b.extents());
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '[';
  for (int axis = 0; axis < shape.axes(); ++axis) out << (axis > 0 ? ", " : "") << shape[axis];
  return out << ']';
}

}  // namespace reel
