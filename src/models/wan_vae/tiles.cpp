// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/tiles.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace reel::wan_vae {
namespace {

constexpr int64_t kStridePx = kRowStride * kTileStride;
constexpr int64_t kMostShared = kRowStride * (kTileSize - kTileStride);
constexpr int64_t kColours = 3;

// Pixels that the first tile shares with the next one, which no later pair exceeds.
int64_t shared_px(const Rows& first, int64_t tiles) {
  return tiles > 1 ? kRowStride * (first.count() - kTileStride) : 0;
}

struct Shapes {
  Shape picture, below, beside, tile;
};

Shapes shapes_of(const TileGrid& grid, int64_t frames) {
  const int64_t height = kRowStride * grid.rows_of(0).count();
  const int64_t width = kRowStride * grid.cols_of(0).count();
  const int64_t last = grid.across() - 1;
  // Tile after tile, overlaps and all.
  const int64_t side_by_side = kRowStride * (last * kTileSize + grid.cols_of(last).count());
  return {.picture = {frames, kRowStride * grid.latent_rows(), kRowStride * grid.latent_cols(),
                      kColours},
          .below = {frames, shared_px(grid.rows_of(0), grid.down()), side_by_side, kColours},
          .beside = {frames, height, shared_px(grid.cols_of(0), grid.across()), kColours},
          .tile = {height, width, kColours}};
}

// A rectangle of a larger frame.
struct Pixels {
  float* data;
  int64_t row_floats;  // from one row to the next

  float* at(int64_t row, int64_t col) const { return data + row * row_floats + col * kColours; }
};

// Of frame `index`, beginning at (row, col).
Pixels pixels_of(const Tensor& frames, int64_t index, int64_t row, int64_t col) {
  const Shape& shape = frames.shape();
  const Pixels frame{.data = frames.view().as<float>() + index * shape[1] * shape[2] * kColours,
                     .row_floats = shape[2] * kColours};
  return {.data = frame.at(row, col), .row_floats = frame.row_floats};
}

void copy(const Pixels& from, const Pixels& to, int64_t rows, int64_t cols) {
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(to.at(row, 0), from.at(row, 0),
                static_cast<size_t>(cols * kColours) * sizeof(float));
  }
}

// How much of each of `count` pixels is the neighbour's and how much the tile's own.
struct Weights {
  std::array<float, kMostShared> other, own;

  explicit Weights(int64_t count) : other{}, own{} {
    for (int64_t at = 0; at < count; ++at) {
      const double part = static_cast<double>(at) / static_cast<double>(count);
      other[static_cast<size_t>(at)] = static_cast<float>(1 - part);
      own[static_cast<size_t>(at)] = static_cast<float>(part);
    }
  }
};

void blend_rows(const Pixels& above, const Pixels& tile, int64_t rows, int64_t cols) {
  const Weights weights(rows);
  for (int64_t row = 0; row < rows; ++row) {
    const float other = weights.other[static_cast<size_t>(row)];
    const float own = weights.own[static_cast<size_t>(row)];
    const float* const a = above.at(row, 0);
    float* const b = tile.at(row, 0);
    for (int64_t at = 0; at < cols * kColours; ++at) b[at] = a[at] * other + b[at] * own;
  }
}

void blend_cols(const Pixels& left, const Pixels& tile, int64_t rows, int64_t cols) {
  const Weights weights(cols);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < cols; ++col) {
      const float other = weights.other[static_cast<size_t>(col)];
      const float own = weights.own[static_cast<size_t>(col)];
      const float* const a = left.at(row, col);
      float* const b = tile.at(row, col);
      for (int64_t at = 0; at < kColours; ++at) b[at] = a[at] * other + b[at] * own;
    }
  }
}

}  // namespace

Rows TileGrid::range(int64_t index, int64_t all) {
  const int64_t begin = kTileStride * index;
  return {begin, std::min(begin + kTileSize, all)};
}

BlendedFrames::BlendedFrames(const TileGrid& grid, int64_t frames)
    : grid_(grid),
      picture_(DType::kF32, shapes_of(grid, frames).picture, "frames blended from tiles"),
      below_(DType::kF32, shapes_of(grid, frames).below, "edges of tiles"),
      beside_(DType::kF32, shapes_of(grid, frames).beside, "edges of tiles"),
      tile_(DType::kF32, shapes_of(grid, frames).tile, "a tile") {}

void BlendedFrames::add(int64_t row, int64_t col, int64_t index, const TensorView& pixels) {
  const int64_t height = pixels.shape[0];
  const int64_t width = pixels.shape[1];
  const Pixels tile{.data = tile_.view().as<float>(), .row_floats = width * kColours};
  const auto below = [&] { return pixels_of(below_, index, 0, col * kRowStride * kTileSize); };
  const auto beside = [&] { return pixels_of(beside_, index, 0, 0); };
  std::memcpy(tile.data, pixels.data, static_cast<size_t>(pixels.size_bytes()));
  if (row > 0) {
    const int64_t shared = grid_.rows_of(row - 1).end - grid_.rows_of(row).begin;
    blend_rows(below(), tile, kRowStride * shared, width);
  }
  if (col > 0) {
    const int64_t shared = grid_.cols_of(col - 1).end - grid_.cols_of(col).begin;
    blend_cols(beside(), tile, height, kRowStride * shared);
  }
  const auto from = [&](int64_t y, int64_t x) {
    return Pixels{.data = tile.at(y, x), .row_floats = tile.row_floats};
  };
  if (row + 1 < grid_.down()) copy(from(kStridePx, 0), below(), height - kStridePx, width);
  if (col + 1 < grid_.across()) copy(from(0, kStridePx), beside(), height, width - kStridePx);
  copy(tile, pixels_of(picture_, index, row * kStridePx, col * kStridePx),
       std::min(height, kStridePx), std::min(width, kStridePx));
}

TensorView BlendedFrames::frame(int64_t index) const {
  const Shape& all = picture_.shape();
  return picture_.view().slice(index, 1).reshaped({all[1], all[2], all[3]});
}

uint64_t BlendedFrames::size_bytes(const TileGrid& grid, int64_t frames) {
  const Shapes shapes = shapes_of(grid, frames);
  const int64_t elements = shapes.picture.elements() + shapes.below.elements() +
                           shapes.beside.elements() + shapes.tile.elements();
  return static_cast<uint64_t>(storage_bytes(DType::kF32, elements));
}

}  // namespace reel::wan_vae
