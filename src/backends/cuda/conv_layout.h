// SPDX-License-Identifier: Apache-2.0
// How convolution weights lie in memory once packed, and what tile of output channels that implies.
#pragma once

#include <cstdint>

#include "core/packed_weights.h"

namespace reel::cuda {

// 16-bit weights are [out tile][tap][slice][position][chunk][out in tile][8 in channels]: what one
// step of the kernel multiplies is one run of memory, and so are all steps of a tile. A position is
// a kernel row and column; channels beyond the real ones are zeros.
inline constexpr int kConvChunk = 8;  // in channels: 16 bytes
inline constexpr int kConvSlice = 32;

struct ConvLayout {
  int tile_out;  // output channels of a tile: 96, 64, 48, 32 or 16
  int64_t out_tiles, slices, positions;

  int64_t step_elements() const { return int64_t{kConvSlice} * tile_out; }
  int64_t tap_elements() const { return slices * positions * step_elements(); }
};

ConvLayout conv_layout(const ConvShape& shape);

// f32 weights are [tap][position][in][out], out padded with zeros to a multiple of this.
inline constexpr int kExactConvOut = 4;

}  // namespace reel::cuda
