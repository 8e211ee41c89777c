// SPDX-License-Identifier: Apache-2.0
// How far a fast kernel may be from the reference kernel, as relative error in the 2-norm.
#pragma once

#include "core/dtype.h"

namespace reel::test::tolerance {

// f32: a few ulp of reordered sums and of the exponential's polynomial. bf16: both round the same
// f32 value once, which differ by at most one bf16 step (2^-8) on a few elements.
inline double kernel(DType dtype) { return dtype == DType::kBF16 ? 2e-3 : 2e-6; }

// Attention rounds its weights to bf16 before the second product.
inline double attention(DType dtype) { return dtype == DType::kBF16 ? 5e-3 : 2e-6; }

}  // namespace reel::test::tolerance
