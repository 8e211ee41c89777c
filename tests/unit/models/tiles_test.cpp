// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/tiles.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/random_tensor.h"
#include "unit/models/blended_reference.h"

namespace reel::test {
namespace {

using wan_vae::BlendedFrames;
using wan_vae::Rows;
using wan_vae::TileGrid;

TEST(TileGrid, BeginsATileAtEveryMultipleOfTheStride) {
  const TileGrid at_480p(60, 104);
  EXPECT_EQ(at_480p.down(), 3);
  EXPECT_EQ(at_480p.across(), 5);
  EXPECT_EQ(at_480p.rows_of(0), (Rows{0, 32}));
  EXPECT_EQ(at_480p.rows_of(1), (Rows{24, 56}));
  EXPECT_EQ(at_480p.rows_of(2), (Rows{48, 60}));
  EXPECT_EQ(at_480p.cols_of(4), (Rows{96, 104})) << "the tile before it has them too";

  EXPECT_EQ(TileGrid(24, 1).count(), 1);
  EXPECT_EQ(TileGrid(25, 24).count(), 2);
  EXPECT_EQ(TileGrid(32, 32).count(), 4) << "although the first has all";
}

class Blending : public testing::TestWithParam<std::pair<int64_t, int64_t>> {};

// [frames, height_px, width_px, 3] of a tile.
Tensor random_tile(const TileGrid& grid, int64_t index, int64_t frames, uint64_t seed) {
  const int64_t rows = grid.rows_of(index / grid.across()).count();
  const int64_t cols = grid.cols_of(index % grid.across()).count();
  return random_tensor({frames, 8 * rows, 8 * cols, 3}, DType::kF32, seed, -1, 1);
}

TEST_P(Blending, IsThatOfWholeTiles) {
  constexpr int64_t kFrames = 2;
  const auto [rows, cols] = GetParam();
  const TileGrid grid(rows, cols);
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  BlendedFrames frames(grid, kFrames);
  std::vector<Video> tiles;
  for (int64_t index = 0; index < grid.count(); ++index) {
    const Tensor tile = random_tile(grid, index, kFrames, seed + static_cast<uint64_t>(index));
    tiles.emplace_back(tile);
    const Shape& all = tile.shape();
    for (int64_t frame = 0; frame < kFrames; ++frame) {
      frames.add(index / grid.across(), index % grid.across(), frame,
                 tile.view().slice(frame, 1).reshaped({all[1], all[2], all[3]}));
    }
  }

  const Tensor made = poisoned_tensor({kFrames, 8 * rows, 8 * cols, 3}, DType::kF32);
  for (int64_t index = 0; index < kFrames; ++index) {
    const TensorView frame = frames.frame(index);
    ASSERT_EQ(frame.shape, (Shape{8 * rows, 8 * cols, 3}));
    std::memcpy(made.view().slice(index, 1).data, frame.data,
                static_cast<size_t>(frame.size_bytes()));
  }
  EXPECT_LT(largest_difference(made, blended(std::move(tiles), grid.across(), 8 * rows, 8 * cols)),
            1e-6);
}

// No multiple of the stride, multiples of it, less than a tile; slivers that a neighbour has whole:
// 1, 7 and 8 latents of 32.
INSTANTIATE_TEST_SUITE_P(Sizes, Blending,
                         testing::Values(std::pair(60, 104), std::pair(1, 1), std::pair(24, 24),
                                         std::pair(25, 49), std::pair(31, 33), std::pair(32, 32),
                                         std::pair(48, 5), std::pair(3, 57), std::pair(56, 55)));

TEST(BlendedFrames, HoldThePictureAndTheEdges) {
  const auto floats = [](int64_t rows, int64_t cols, int64_t frames) {
    return BlendedFrames::size_bytes({rows, cols}, frames) / (3 * sizeof(float));
  };
  // 81 pictures; 64 rows of four whole tiles and one of 8 latents; 64 columns of a tile; a tile.
  EXPECT_EQ(floats(60, 104, 81),
            uint64_t{81} * (480 * 832 + 64 * (4 * 256 + 64) + 256 * 64) + 256 * 256);
  EXPECT_EQ(floats(25, 3, 2), 2u * (200 * 24 + 8 * 24) + 200 * 24);
}

}  // namespace
}  // namespace reel::test
