// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/conv_layout.h"

namespace reel::cuda {
namespace {

constexpr int kTiles[] = {96, 64, 48, 32, 16};

// What a tile of inputs costs besides its products, in output channels.
constexpr int64_t kInputCost = 16;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

ConvLayout conv_layout(const ConvShape& shape) {
  int tile_out = 0;
  int64_t least = 0;
  for (const int tile : kTiles) {
    const int64_t cost = divide_up(shape.out_channels, tile) * (tile + kInputCost);
    if (tile_out != 0 && cost >= least) continue;
    tile_out = tile;
    least = cost;
  }
  return {.tile_out = tile_out,
          .out_tiles = divide_up(shape.out_channels, tile_out),
          .slices = divide_up(shape.in_channels, kConvSlice),
          .positions = shape.kernel_rows * shape.kernel_cols};
}

}  // namespace reel::cuda
