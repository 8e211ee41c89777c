// SPDX-License-Identifier: Apache-2.0
// The extents of a tensor, outermost first.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>

namespace reel {

class Shape {
 public:
  static constexpr int kMostAxes = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents)
      : Shape(std::span(extents.begin(), extents.size())) {}
  // Throws kInvalidArgument for more than kMostAxes axes or a negative extent.
  explicit Shape(std::span<const int64_t> extents);

  int axes() const { return axes_; }
  int64_t operator[](int axis) const { return extents_[static_cast<size_t>(axis)]; }
  // The last extent; 1 for a scalar.
  int64_t width() const { return axes_ == 0 ? 1 : extents_[static_cast<size_t>(axes_ - 1)]; }
  // The product of all extents but the last.
  int64_t rows() const;
  int64_t elements() const;
  std::span<const int64_t> extents() const { return {extents_.data(), static_cast<size_t>(axes_)}; }

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<int64_t, kMostAxes> extents_{};
  int axes_ = 0;
};

// [2, 4]
std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace reel
