// SPDX-License-Identifier: Apache-2.0
// A view of numbers in memory: where, of what type, in what shape. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"
#include "core/shape.h"

namespace reel {

// Work is submitted to a stream in order. On the CPU everything is done on return.
struct Stream {
  void* handle = nullptr;
};

// Dense, row-major. Whoever made the memory must outlive the view.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  int64_t rows() const { return shape.rows(); }
  int64_t width() const { return shape.width(); }
  int64_t elements() const { return shape.elements(); }
  int64_t size_bytes() const { return storage_bytes(dtype, elements()); }

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }

  // Rows [begin, begin + count) of the first axis.
  TensorView slice(int64_t begin, int64_t count) const;
  // The same memory under another shape of as many elements.
  TensorView reshaped(const Shape& other) const;
};

}  // namespace reel
