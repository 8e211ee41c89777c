// SPDX-License-Identifier: Apache-2.0
// Which elements of a 16 x 8 product a lane holds, as the PTX ISA writes it.
#pragma once

namespace reel::cuda_host {

inline constexpr int kRows = 16;
inline constexpr int kColumns = 8;

// The PTX ISA's formulas for a_i, b_i and c_i. kWide: k = 32 with 8-bit elements, else k = 16.
template <bool kWide>
int a_row(int lane, int i) {
  const bool upper = kWide ? i < 4 || (i >= 8 && i < 12) : i < 2 || (i >= 4 && i < 6);
  return upper ? lane >> 2 : (lane >> 2) + 8;
}
template <bool kWide>
int a_column(int lane, int i) {
  if (kWide) return lane % 4 * 4 + (i & 3) + (i < 8 ? 0 : 16);
  return lane % 4 * 2 + (i & 1) + (i < 4 ? 0 : 8);
}
template <bool kWide>
int b_row(int lane, int i) {
  if (kWide) return lane % 4 * 4 + (i & 3) + (i < 4 ? 0 : 16);
  return lane % 4 * 2 + (i & 1) + (i < 2 ? 0 : 8);
}
inline int c_row(int lane, int i) { return i < 2 ? lane >> 2 : (lane >> 2) + 8; }
inline int c_column(int lane, int i) { return lane % 4 * 2 + (i & 1); }

}  // namespace reel::cuda_host
