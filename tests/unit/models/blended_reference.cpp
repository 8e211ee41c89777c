// SPDX-License-Identifier: Apache-2.0
#include "unit/models/blended_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reel::test {
namespace {

constexpr int64_t kBlendPx = 64;
constexpr int64_t kStridePx = 192;

void blend_with_above(Video& above, Video& tile, int64_t frame) {
  const int64_t extent = std::min({above.height, tile.height, kBlendPx});
  for (int64_t y = 0; y < extent; ++y) {
    const double part = static_cast<double>(y) / static_cast<double>(extent);
    for (int64_t x = 0; x < tile.width * 3; ++x) {
      double& number = tile.at(frame, y, x);
      number = above.at(frame, above.height - extent + y, x) * (1 - part) + number * part;
    }
  }
}

void blend_with_left(Video& left, Video& tile, int64_t frame) {
  const int64_t extent = std::min({left.width, tile.width, kBlendPx});
  for (int64_t y = 0; y < tile.height; ++y) {
    for (int64_t x = 0; x < extent * 3; ++x) {
      const double part = static_cast<double>(x / 3) / static_cast<double>(extent);
      double& number = tile.at(frame, y, x);
      number = left.at(frame, y, (left.width - extent) * 3 + x) * (1 - part) + number * part;
    }
  }
}

// What no later tile has, to where it is in the picture.
void keep(Video& tile, int64_t frame, int64_t row, int64_t col, Video& picture) {
  for (int64_t y = 0; y < std::min(tile.height, kStridePx); ++y) {
    for (int64_t x = 0; x < std::min(tile.width, kStridePx) * 3; ++x) {
      picture.at(frame, row * kStridePx + y, col * kStridePx * 3 + x) = tile.at(frame, y, x);
    }
  }
}

}  // namespace

Video::Video(int64_t all, int64_t rows, int64_t cols)
    : frames(all),
      height(rows),
      width(cols),
      pixels(static_cast<size_t>(all * rows * cols * 3), std::numeric_limits<double>::quiet_NaN()) {
}

Video::Video(const Tensor& from) : Video(from.shape()[0], from.shape()[1], from.shape()[2]) {
  std::ranges::copy(from.values<float>(), pixels.begin());
}

Video blended(std::vector<Video> tiles, int64_t across, int64_t height, int64_t width) {
  Video picture(tiles.front().frames, height, width);
  for (size_t index = 0; index < tiles.size(); ++index) {
    const auto row = static_cast<int64_t>(index) / across;
    const auto col = static_cast<int64_t>(index) % across;
    Video& tile = tiles[index];
    for (int64_t frame = 0; frame < picture.frames; ++frame) {
      if (row > 0) blend_with_above(tiles[index - static_cast<size_t>(across)], tile, frame);
      if (col > 0) blend_with_left(tiles[index - 1], tile, frame);
      keep(tile, frame, row, col, picture);
    }
  }
  return picture;
}

double largest_difference(const Tensor& made, const Video& want) {
  const auto pixels = made.values<float>();
  if (pixels.size() != want.pixels.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (size_t at = 0; at < pixels.size(); ++at) {
    const double difference = std::abs(static_cast<double>(pixels[at]) - want.pixels[at]);
    if (!(difference <= most)) most = difference;
    if (std::isnan(difference)) return difference;
  }
  return most;
}

}  // namespace reel::test
