// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_configs.h"

#include "base/error.h"
#include "models/tae/names.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_vae/names.h"

namespace reel::pipeline {
namespace {

using checkpoint::Component;
using checkpoint::needed_tensors;

int64_t extent(const Component& component, const char* name, int axis) {
  const Shape& shape = component.shape_of(name);
  REEL_REQUIRE(axis < shape.axes(), kBadFile,
               str_cat(component.path.string(), ": \"", name, "\" is ", shape, "; at least ",
                       axis + 1, " axes are needed."));
  return shape[axis];
}

// Which latents a TAE takes can be seen in its name alone.
// Source: LightX2V, pipeline.py, enable_lightvae().
bool takes_vae_latents(const Component& tiny) {
  const std::string name = tiny.path.filename().string();
  const std::string words = name.find("taew2") == std::string::npos ? tiny.path.string() : name;
  return words.find("lighttae") != std::string::npos;
}

}  // namespace

wan_dit::Config dit_config(const checkpoint::Checkpoint& checkpoint) {
  const Component& dit = *checkpoint.dit;
  const wan_dit::Config config{.dim = extent(dit, "patch_embedding.weight", 0),
                               .ffn_dim = extent(dit, "blocks.0.ffn.0.weight", 0),
                               .layers = block_count(dit, "blocks."),
                               .text_dim = extent(dit, "text_embedding.0.weight", 1),
                               .text_len = checkpoint.settings.text_len.value_or(512),
                               .freq_dim = extent(dit, "time_embedding.0.weight", 1),
                               .channels = extent(dit, "patch_embedding.weight", 1)};
  REEL_REQUIRE(config.dim % wan_dit::kHeadDim == 0, kUnsupported,
               str_cat(dit.path.string(), " has a width of ", config.dim,
                       "; Wan's DiT has a multiple of ", wan_dit::kHeadDim, '.'));
  check_complete(dit, needed_tensors(wan_dit::name_units(config), wan_dit::dims_of(config)));
  return config;
}

umt5::Config text_config(const Component& text) {
  const umt5::Config config{.vocab = extent(text, "token_embedding.weight", 0),
                            .dim = extent(text, "token_embedding.weight", 1),
                            .attn_dim = extent(text, "blocks.0.attn.q.weight", 0),
                            .heads = extent(text, "blocks.0.pos_embedding.embedding.weight", 1),
                            .ffn_dim = extent(text, "blocks.0.ffn.fc1.weight", 0),
                            .layers = block_count(text, "blocks.")};
  REEL_REQUIRE(config.heads > 0 && config.attn_dim % config.heads == 0, kBadFile,
               str_cat(text.path.string(), " has ", config.heads, " heads over a width of ",
                       config.attn_dim, ", which they do not divide."));
  check_complete(text, needed_tensors(umt5::name_units(config), umt5::dims_of(config)));
  return config;
}

wan_vae::Config vae_config(const Component& vae) {
  wan_vae::Config config;
  config.channels = {extent(vae, "decoder.conv1.weight", 0),
                     extent(vae, "decoder.upsamples.0.residual.2.weight", 0),
                     extent(vae, "decoder.upsamples.4.residual.2.weight", 0),
                     extent(vae, "decoder.upsamples.8.residual.2.weight", 0),
                     extent(vae, "decoder.upsamples.12.residual.2.weight", 0)};
  check_complete(vae, needed_tensors(wan_vae::name_units(), wan_vae::dims_of(config)));
  return config;
}

tae::Config tae_config(const Component& tiny, const std::string& tae_latents) {
  tae::Config config;
  config.channels = {extent(tiny, "decoder.1.weight", 0), extent(tiny, "decoder.8.weight", 0),
                     extent(tiny, "decoder.14.weight", 0), extent(tiny, "decoder.20.weight", 0)};
  if (extent(tiny, "decoder.7.conv.weight", 0) == 2 * config.channels[0]) config.first_grow = 2;
  if (tae_latents == "vae" || (tae_latents == "auto" && takes_vae_latents(tiny))) {
    config.scale = wan_vae::kLatentStd;
    config.shift = wan_vae::kLatentMean;
  }
  check_complete(tiny, needed_tensors(tae::name_units(config), tae::dims_of(config)));
  return config;
}

}  // namespace reel::pipeline
