// SPDX-License-Identifier: Apache-2.0
// From a DType to the element type of a kernel template.
#pragma once

#include "base/error.h"
#include "core/dtype.h"
#include "core/numerics/small_floats.h"

namespace reel::cuda {

// Calls visit(T{}) with T = float, Half or BF16.
template <typename Visitor>
void with_element_type(DType dtype, Visitor&& visit) {
  switch (dtype) {
    case DType::kF32: return visit(float{});
    case DType::kF16: return visit(Half{});
    case DType::kBF16: return visit(BF16{});
    default:
      fail(ErrorCode::kUnsupported,
           str_cat("the cuda backend has no such kernel for elements of ", dtype_name(dtype), "."));
  }
}

}  // namespace reel::cuda
