// SPDX-License-Identifier: Apache-2.0
// The checks every op front makes.
#pragma once

#include "base/error.h"
#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {

inline bool is_compute_dtype(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16;
}

// A vector of `width` f32 numbers.
inline void require_vector(const char* op, const char* name, const TensorView& vector,
                           int64_t width) {
  REEL_REQUIRE(vector.dtype == DType::kF32 && vector.elements() == width, kInvalidArgument,
               str_cat(op, ": ", name, " is ", vector.dtype, ' ', vector.shape, ", must be f32 [",
                       width, ']'));
}

template <typename Entry>
void require_kernel(const char* op, const Context& ctx, const Entry& entry) {
  REEL_REQUIRE(entry != nullptr, kUnsupported,
               str_cat(op, ": the ", ctx.kernels.backend, " backend has no such kernel"));
}

inline const float* floats(const TensorView& view) { return static_cast<const float*>(view.data); }

}  // namespace reel::ops
