// SPDX-License-Identifier: Apache-2.0
// Overlapping square tiles of a picture, and frames blended from them.
#pragma once

#include <cstdint>

#include "core/buffer.h"
#include "models/wan_vae/config.h"
#include "ops/conv.h"

namespace reel::wan_vae {

using ops::Rows;

// In latents: tiles of 256 x 256 pixels, one every 192, so that neighbours share 64.
inline constexpr int64_t kTileSize = 32;
inline constexpr int64_t kTileStride = 24;

// Which latents each tile has. One begins at every multiple of the stride within the picture, so
// the last ones are smaller, down to slivers that their neighbours cover.
class TileGrid {
 public:
  TileGrid(int64_t latent_rows, int64_t latent_cols)
      : latent_rows_(latent_rows), latent_cols_(latent_cols) {}

  int64_t latent_rows() const { return latent_rows_; }
  int64_t latent_cols() const { return latent_cols_; }
  int64_t down() const { return (latent_rows_ + kTileStride - 1) / kTileStride; }
  int64_t across() const { return (latent_cols_ + kTileStride - 1) / kTileStride; }
  int64_t count() const { return down() * across(); }
  // Of the tiles in a row, and of those in a column. No tile is larger than the first.
  Rows rows_of(int64_t row) const { return range(row, latent_rows_); }
  Rows cols_of(int64_t col) const { return range(col, latent_cols_); }

 private:
  static Rows range(int64_t index, int64_t all);

  int64_t latent_rows_, latent_cols_;
};

// Frames of a clip, blended from tiles that come one after the other, each with all its frames.
// In host memory: the picture so far, and of tiles the edges that later ones are blended with.
class BlendedFrames {
 public:
  BlendedFrames(const TileGrid& grid, int64_t frames);

  // Takes frame `index` of the tile at (row, col): [8 rows, 8 cols, 3] f32 of its latents. Tiles
  // come row by row.
  //
  // Pixel y of the e that a tile shares with the one above is a (1 - y / e) + b y / e, where a is
  // of the one above, blended itself; then the same with the tile to the left. What lies under the
  // next tile is cut away.
  // Source: LightX2V, lightx2v/models/video_encoders/hf/wan/vae.py, tiled_decode.
  void add(int64_t row, int64_t col, int64_t index, const TensorView& pixels);
  // Frame `index` [height_px, width_px, 3] f32, complete once all tiles were added to it.
  TensorView frame(int64_t index) const;

  // What an object of this size holds.
  static uint64_t size_bytes(const TileGrid& grid, int64_t frames);

 private:
  const TileGrid grid_;
  const Tensor picture_;
  const Tensor below_;   // the lowest rows of each tile of the row above
  const Tensor beside_;  // the last columns of the tile to the left
  const Tensor tile_;    // the one that is being blended
};

}  // namespace reel::wan_vae
