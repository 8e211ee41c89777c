// SPDX-License-Identifier: Apache-2.0
// f32 rows to rows of 8 bits with a scale each.
#pragma once

#include <cstdint>
#include <span>

namespace reel::prepare {

// Rotates and quantises each row on its own (core/numerics/int8_rotation.h).
//
//   values  [rows, width]  f32, overwritten with the rotated rows
//   out     [rows, width]  int8
//   scales  [rows]         f32: a number is out * scale
void quantise_rows(std::span<float> values, int64_t rows, std::span<int8_t> out,
                   std::span<float> scales);

// Rows to the bits of e4m3 numbers (core/numerics/e4m3_rows.h).
//
//   values  [rows, width]  f32
//   scales  [rows]         f32. With `keep_scales` they are given, and numbers that were stored in
//                          e4m3 with them are found again; otherwise they are results
void quantise_rows_e4m3(std::span<const float> values, int64_t rows, std::span<uint8_t> out,
                        std::span<float> scales, bool keep_scales);

}  // namespace reel::prepare
