// SPDX-License-Identifier: Apache-2.0
// The Wan VAE's decoder over tiles that are blended: what LightX2V's use_tiling_vae makes.
#pragma once

#include <cstdint>
#include <functional>

#include "core/copy_engine.h"
#include "core/tensor.h"
#include "memory/weight_source.h"
#include "memory/work.h"
#include "models/wan_vae/decoder.h"
#include "models/wan_vae/footprint.h"
#include "ops/context.h"

namespace reel::wan_vae {

class TiledDecoder {
 public:
  // Is told after every frame of every tile how many of all have been decoded.
  using Counter = std::function<void(int64_t done, int64_t all)>;

  // `weights` must outlive this object.
  explicit TiledDecoder(memory::BlockSource& weights) : decoder_(weights) {}

  // As Decoder::decode(), but each tile of TileGrid is decoded by itself, with a past of its own:
  // attention looks at no more than a tile, and convolutions end at its edges. Frames come with
  // the last tile; until then the host holds all of them
  // (waiting_tiles_bytes()). A latent of one tile decodes to the bytes of Decoder::decode().
  // `copies` as in DecodeOptions. Throws kCancelled when the stop flag is set.
  void decode(ops::Context& ctx, const TensorView& latent, const Decoder::FrameSink& on_frame,
              CopyEngine* copies = nullptr, const Counter& on_tile_frame = {});

 private:
  Decoder decoder_;
};

// `whole` is the clip's. On the device tiles take turns, so the largest one's footprint is all of
// the decode's.
DecodeShape largest_tile(const DecodeShape& whole);
// With what tiles compute twice.
memory::Work tiled_decode_work(const Config& config, const DecodeShape& whole);
// Host memory of frames and edges that wait for the last tile; 0 for one tile.
uint64_t waiting_tiles_bytes(const DecodeShape& whole);

}  // namespace reel::wan_vae
