// SPDX-License-Identifier: Apache-2.0
// Where a plainly packed 8-bit matrix keeps its row scales: after the numbers, 64-byte aligned.
#pragma once

#include <cstdint>

namespace reel {

constexpr int64_t scales_offset_bytes(int64_t number_bytes) {
  return (number_bytes + 63) / 64 * 64;
}

inline const float* row_scales(const void* packed, int64_t number_bytes) {
  return reinterpret_cast<const float*>(static_cast<const char*>(packed) +
                                        scales_offset_bytes(number_bytes));
}

inline float* row_scales(void* packed, int64_t number_bytes) {
  return reinterpret_cast<float*>(static_cast<char*>(packed) + scales_offset_bytes(number_bytes));
}

}  // namespace reel
