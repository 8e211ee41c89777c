// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/tiled_decoder.h"

#include <cstring>

#include "models/wan_vae/tiles.h"
#include "models/wan_vae/work.h"

namespace reel::wan_vae {
namespace {

// These rows and columns of a latent [16, frames, rows, cols] f32.
Tensor cut(const TensorView& latent, const Rows& rows, const Rows& cols) {
  const Shape& all = latent.shape;
  Tensor part(DType::kF32, {all[0], all[1], rows.count(), cols.count()}, "latents of a tile");
  float* to = part.view().as<float>();
  for (int64_t frame = 0; frame < all[0] * all[1]; ++frame) {
    for (int64_t row = rows.begin; row < rows.end; ++row, to += cols.count()) {
      std::memcpy(to, latent.as<float>() + (frame * all[2] + row) * all[3] + cols.begin,
                  static_cast<size_t>(cols.count()) * sizeof(float));
    }
  }
  return part;
}

// Calls use(row, col) for each tile, row by row.
template <typename Use>
void for_each_tile(const TileGrid& grid, Use use) {
  for (int64_t row = 0; row < grid.down(); ++row) {
    for (int64_t col = 0; col < grid.across(); ++col) use(row, col);
  }
}

TileGrid grid_of(const DecodeShape& shape) { return {shape.latent_rows, shape.latent_cols}; }

DecodeShape shape_of_tile(DecodeShape shape, const TileGrid& grid, int64_t row, int64_t col) {
  shape.latent_rows = grid.rows_of(row).count();
  shape.latent_cols = grid.cols_of(col).count();
  shape.strips = 1;
  return shape;
}

}  // namespace

void TiledDecoder::decode(ops::Context& ctx, const TensorView& latent,
                          const Decoder::FrameSink& on_frame, CopyEngine* copies,
                          const Counter& on_tile_frame) {
  require_latents(latent);
  const TileGrid grid(latent.shape[2], latent.shape[3]);
  const int64_t frames = frames_of(latent.shape[1]);
  int64_t done = 0;
  const auto count = [&] {
    if (on_tile_frame) on_tile_frame(++done, grid.count() * frames);
  };
  if (grid.count() == 1) {
    const auto hand_on = [&](const TensorView& frame) {
      on_frame(frame);
      count();
    };
    return decoder_.decode(ctx, latent, hand_on, {.copies = copies});
  }
  BlendedFrames blended(grid, frames);
  for_each_tile(grid, [&](int64_t row, int64_t col) {
    const bool is_last = row + 1 == grid.down() && col + 1 == grid.across();
    const auto blend = [&, index = int64_t{0}](const TensorView& pixels) mutable {
      blended.add(row, col, index, pixels);
      if (is_last) on_frame(blended.frame(index));
      ++index;
      count();
    };
    decoder_.decode(ctx, cut(latent, grid.rows_of(row), grid.cols_of(col)), blend,
                    {.copies = copies});
  });
}

DecodeShape largest_tile(const DecodeShape& whole) {
  return shape_of_tile(whole, grid_of(whole), 0, 0);
}

memory::Work tiled_decode_work(const Config& config, const DecodeShape& whole) {
  const TileGrid grid = grid_of(whole);
  memory::Work work;
  for_each_tile(grid, [&](int64_t row, int64_t col) {
    work += decode_work(config, shape_of_tile(whole, grid, row, col));
  });
  return work;
}

uint64_t waiting_tiles_bytes(const DecodeShape& whole) {
  const TileGrid grid = grid_of(whole);
  return grid.count() == 1 ? 0 : BlendedFrames::size_bytes(grid, frames_of(whole.latent_frames));
}

}  // namespace reel::wan_vae
