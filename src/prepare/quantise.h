// SPDX-License-Identifier: Apache-2.0
// f32 rows to rotated INT8 rows.
#pragma once

#include <cstdint>
#include <span>

namespace reel::prepare {

// True for row widths that can be rotated: multiples of 128.
bool can_rotate(int64_t width);

// Rotates and quantises each row on its own (core/numerics/int8_rotation.h).
//
//   values  [rows, width]  f32, overwritten with the rotated rows
//   out     [rows, width]  int8
//   scales  [rows]         f32: a number is out * scale
void quantise_rows(std::span<float> values, int64_t rows, std::span<int8_t> out,
                   std::span<float> scales);

}  // namespace reel::prepare
