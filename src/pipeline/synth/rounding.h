// SPDX-License-Identifier: Apache-2.0
// Rows of f32 numbers, rounded or quantised to what a file stores.
#pragma once

#include <cstddef>
#include <span>

#include "core/dtype.h"

namespace reel::synth {

float largest_magnitude(std::span<const float> row);

// What the numbers of an 8-bit row are multiplied with: max(largest, floor) / 448 for f8_e4m3,
// / 127 for i8.
float scale_of(float largest, float floor, DType dtype);

// row / scale, rounded to f8_e4m3 or i8 (to nearest, ties to even), saturated.
void quantise_row(std::span<const float> row, float scale, DType dtype, std::byte* out);

// The nearest numbers of f32, bf16, f16 or a ggml block format.
void round_row(std::span<const float> row, DType dtype, std::byte* out);

}  // namespace reel::synth
