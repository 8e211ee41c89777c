// SPDX-License-Identifier: Apache-2.0
// Tensors filled from a seed, and how far two tensors are apart.
#pragma once

#include <cstdint>
#include <span>

#include "core/buffer.h"

namespace reel::test {

// Uniform in [low, high), rounded to dtype (f32, f16 or bf16). The same for the same seed
// everywhere.
Tensor random_tensor(const Shape& shape, DType dtype, uint64_t seed, float low = -1,
                     float high = 1);

// Every byte 0xff: NaN in floats. What a kernel must overwrite.
Tensor poisoned_tensor(const Shape& shape, DType dtype);

Tensor copy_of(const TensorView& from);
float value_at(const TensorView& tensor, int64_t at);

// |got - want| / |want| in the 2-norm; infinite when an element of either is not finite.
double relative_error(const TensorView& got, const TensorView& want);
double relative_error(std::span<const float> got, std::span<const float> want);

}  // namespace reel::test
