// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/tiled_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "backends/cpu/backend.h"
#include "models/wan_vae/work.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "unit/models/blended_reference.h"
#include "unit/models/decoded_strips.h"

namespace reel::test {
namespace {

// What a tile of 32 latents that begins at (row, col) has.
Tensor tile_of(const Tensor& latents, int64_t row, int64_t col) {
  const Shape& all = latents.shape();
  const int64_t rows = std::min<int64_t>(32, all[2] - row);
  const int64_t cols = std::min<int64_t>(32, all[3] - col);
  Tensor tile(DType::kF32, {all[0], all[1], rows, cols});
  auto to = tile.values<float>().begin();
  for (int64_t plane = 0; plane < all[0] * all[1]; ++plane) {
    for (int64_t y = row; y < row + rows; ++y) {
      to = std::copy_n(latents.values<float>().begin() + (plane * all[2] + y) * all[3] + col, cols,
                       to);
    }
  }
  return tile;
}

// What the decoder makes of each tile by itself, blended.
void expect_blended_tiles(const RandomDecoder& decoder, const Shape& latent) {
  const Tensor latents = random_tensor(latent, DType::kF32, 5, -2, 2);
  std::vector<Video> tiles;
  for (int64_t row = 0; row < latent[2]; row += 24) {
    for (int64_t col = 0; col < latent[3]; col += 24) {
      tiles.emplace_back(decoder.decode(tile_of(latents, row, col)));
    }
  }
  ASSERT_GT(tiles.size(), 1u);
  const Video want = blended(std::move(tiles), (latent[3] + 23) / 24, 8 * latent[2], 8 * latent[3]);
  EXPECT_LT(largest_difference(decoder.decode_tiled(latents), want), 1e-6) << latent;
}

// Tiles down, across, and both ways; the last ones are slivers. A second latent frame sees whether
// a tile begins with a past.
TEST(TiledDecoder, BlendsTilesThatAreDecodedByThemselves) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  const RandomDecoder decoder(cpu::kernels(), DType::kF32, seed);
  for (const Shape& latent : {Shape{16, 2, 26, 1}, Shape{16, 1, 2, 33}, Shape{16, 1, 25, 25}}) {
    expect_blended_tiles(decoder, latent);
  }
}

TEST(TiledDecoder, LeavesWhatIsOneTileAsItIs) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  const RandomDecoder decoder(cpu::kernels(), DType::kF32, seed);
  const Tensor latents = random_tensor({16, 2, 24, 3}, DType::kF32, 5, -2, 2);
  const Tensor whole = decoder.decode(latents);
  const Tensor tiled = decoder.decode_tiled(latents);
  EXPECT_EQ(std::memcmp(whole.bytes().data(), tiled.bytes().data(), whole.bytes().size()), 0);
}

TEST(TiledDecoder, CountsTheFramesOfAllTiles) {
  const RandomDecoder decoder(cpu::kernels(), DType::kF32);
  std::vector<std::pair<int64_t, int64_t>> counts;
  decoder.decode_tiled(random_tensor({16, 2, 25, 1}, DType::kF32, 5, -2, 2),
                       [&](int64_t done, int64_t all) { counts.emplace_back(done, all); });
  ASSERT_EQ(counts.size(), 10u);
  for (size_t at = 0; at < counts.size(); ++at) {
    EXPECT_EQ(counts[at], std::pair(static_cast<int64_t>(at + 1), int64_t{10}));
  }
}

TEST(TiledDecoder, StopsWithinATile) {
  StopFlag stop;
  const RandomDecoder decoder(cpu::kernels(), DType::kF32, 11, &stop);
  int64_t last = 0;
  EXPECT_REEL_ERROR(decoder.decode_tiled(random_tensor({16, 3, 25, 1}, DType::kF32, 5, -2, 2),
                                         [&](int64_t done, int64_t) {
                                           last = done;
                                           if (done == 2) stop.request();
                                         }),
                    kCancelled, "Stopped");
  EXPECT_EQ(last, 2);
}

TEST(TiledDecoder, RefusesWhatIsNoLatent) {
  const RandomDecoder decoder(cpu::kernels(), DType::kF32);
  EXPECT_REEL_ERROR(decoder.decode_tiled(Tensor(DType::kF32, {4, 1, 30, 30})), kInvalidArgument,
                    "f32 [16, frames, rows, cols] is needed");
}

TEST(TiledDecodeShape, IsOfTheLargestTileAndTheWorkOfAll) {
  const wan_vae::Config config;
  wan_vae::DecodeShape shape{.latent_frames = 3, .latent_rows = 60, .latent_cols = 28};
  EXPECT_EQ(wan_vae::largest_tile(shape).latent_rows, 32);
  EXPECT_EQ(wan_vae::largest_tile(shape).latent_cols, 28);
  // 76 rows of tiles and 32 columns, attention aside.
  EXPECT_NEAR(wan_vae::tiled_decode_work(config, shape).conv_ops /
                  wan_vae::decode_work(config, shape).conv_ops,
              76.0 * 32 / (60 * 28), 1e-9);
  EXPECT_GT(wan_vae::waiting_tiles_bytes(shape), uint64_t{9} * 480 * 224 * 3 * sizeof(float));

  shape.latent_rows = 24;
  shape.latent_cols = 20;
  EXPECT_EQ(wan_vae::waiting_tiles_bytes(shape), 0u);
}

}  // namespace
}  // namespace reel::test
