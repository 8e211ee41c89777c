// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_decoder.h"

#include "base/error.h"
#include "memory/tags.h"
#include "models/tae/decoder.h"
#include "models/tae/footprint.h"
#include "models/tae/names.h"
#include "models/tae/work.h"
#include "models/wan_vae/decoder.h"
#include "models/wan_vae/footprint.h"
#include "models/wan_vae/names.h"
#include "models/wan_vae/strips.h"
#include "models/wan_vae/tiled_decoder.h"
#include "models/wan_vae/tiles.h"
#include "models/wan_vae/work.h"
#include "pipeline/model_configs.h"

namespace reel::pipeline {
namespace {

std::variant<wan_vae::Config, tae::Config> config_of(const checkpoint::Component& component,
                                                     const std::string& tae_latents) {
  REEL_REQUIRE(tae_latents == "auto" || tae_latents == "diffusion" || tae_latents == "vae",
               kInvalidArgument,
               str_cat("The latents of the TAE are \"", tae_latents,
                       "\"; auto, diffusion and vae are possible."));
  if (component.network == checkpoint::Network::kTae) return tae_config(component, tae_latents);
  return vae_config(component);
}

wan_vae::DecodeShape vae_shape(const VideoSize& video, DType compute, int strips) {
  const Shape latent = latent_shape(video);
  return {.latent_frames = latent[1],
          .latent_rows = latent[2],
          .latent_cols = latent[3],
          .compute = compute,
          .residual = compute == DType::kF16 ? DType::kF16 : DType::kF32,
          .strips = strips};
}

tae::DecodeShape tae_shape(const VideoSize& video, DType compute) {
  const Shape latent = latent_shape(video);
  return {.latent_frames = latent[1],
          .latent_rows = latent[2],
          .latent_cols = latent[3],
          .compute = compute};
}

LatentDecoder::Footprint vae_footprint(const wan_vae::Config& vae,
                                       const wan_vae::DecodeShape& shape) {
  return {.held = {{memory::tags::kPastFrames, wan_vae::past_frames_bytes(vae, shape)},
                   {memory::tags::kLowFrames, wan_vae::low_frames_bytes(vae, shape)}},
          .forward = wan_vae::decode_activations(vae, shape),
          .work = wan_vae::decode_work(vae, shape),
          .host_bytes = wan_vae::waiting_rows_bytes(shape)};
}

LatentDecoder::Footprint tiled_footprint(const wan_vae::Config& vae,
                                         const wan_vae::DecodeShape& whole) {
  LatentDecoder::Footprint takes = vae_footprint(vae, wan_vae::largest_tile(whole));
  takes.work = wan_vae::tiled_decode_work(vae, whole);
  takes.host_bytes = wan_vae::waiting_tiles_bytes(whole);
  return takes;
}

LatentDecoder::Footprint tae_footprint(const tae::Config& tiny, const tae::DecodeShape& shape) {
  return {.held = {{memory::tags::kPastFrames, tae::past_frames_bytes(tiny, shape)}},
          .forward = tae::decode_activations(tiny, shape),
          .work = tae::decode_work(tiny, shape)};
}

}  // namespace

bool wants_blended_tiles(const std::string& vae_tiling) {
  REEL_REQUIRE(vae_tiling.empty() || vae_tiling == "off" || vae_tiling == "blended",
               kInvalidArgument,
               str_cat("VAE tiling is \"", vae_tiling, "\"; off and blended are possible."));
  return vae_tiling == "blended";
}

LatentDecoder::LatentDecoder(const checkpoint::Component& component, const std::string& tae_latents,
                             bool blends_tiles)
    : config_(config_of(component, tae_latents)), blends_tiles_(blends_tiles) {}

bool LatentDecoder::blends_tiles() const {
  return blends_tiles_ && std::holds_alternative<wan_vae::Config>(config_);
}

int LatentDecoder::tiles(const VideoSize& video) const {
  if (!blends_tiles()) return 1;
  const Shape latent = latent_shape(video);
  return static_cast<int>(wan_vae::TileGrid(latent[2], latent[3]).count());
}

const char* LatentDecoder::name() const {
  if (const auto* tiny = std::get_if<tae::Config>(&config_)) {
    return tiny->scale == tae::Config{}.scale ? kTaeName : kTaeOfVaeLatentsName;
  }
  const bool is_light = std::get<wan_vae::Config>(config_).channels[0] == wan_vae::kLightWidth;
  return is_light ? "light VAE" : "VAE";
}

std::vector<checkpoint::NeededTensor> LatentDecoder::needed() const {
  if (const auto* tiny = std::get_if<tae::Config>(&config_)) {
    return checkpoint::needed_tensors(tae::name_units(*tiny), tae::dims_of(*tiny));
  }
  return checkpoint::needed_tensors(wan_vae::name_units(),
                                    wan_vae::dims_of(std::get<wan_vae::Config>(config_)));
}

void LatentDecoder::decode(ops::Context& ctx, memory::BlockSource& weights,
                           const TensorView& latents,
                           const std::function<void(const TensorView&)>& on_frame,
                           const LatentDecodeOptions& options) const {
  if (blends_tiles()) {
    return wan_vae::TiledDecoder(weights).decode(ctx, latents, on_frame, options.copies,
                                                 options.on_progress);
  }
  const int64_t frames = video_size(latents.shape).frames;
  const auto counted = [&, done = int64_t{0}](const TensorView& frame) mutable {
    on_frame(frame);
    ++done;
    if (options.on_progress) options.on_progress(done, frames);
  };
  if (const auto* tiny = std::get_if<tae::Config>(&config_)) {
    return tae::Decoder(*tiny, weights).decode(ctx, latents, counted, options.copies);
  }
  wan_vae::Decoder(weights).decode(ctx, latents, counted,
                                   {.strips = options.strips, .copies = options.copies});
}

int LatentDecoder::most_strips(const VideoSize& video) const {
  if (blends_tiles() || std::holds_alternative<tae::Config>(config_)) return 1;
  return static_cast<int>(wan_vae::most_strips(latent_shape(video)[2]));
}

LatentDecoder::Footprint LatentDecoder::footprint(const VideoSize& video, DType compute,
                                                  int strips) const {
  if (const auto* tiny = std::get_if<tae::Config>(&config_)) {
    return tae_footprint(*tiny, tae_shape(video, compute));
  }
  const auto& vae = std::get<wan_vae::Config>(config_);
  const wan_vae::DecodeShape shape = vae_shape(video, compute, strips);
  return blends_tiles() ? tiled_footprint(vae, shape) : vae_footprint(vae, shape);
}

}  // namespace reel::pipeline
