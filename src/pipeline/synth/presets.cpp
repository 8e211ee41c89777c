// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "pipeline/synth/model.h"

namespace reel::synth {
namespace {

constexpr int64_t kTextHeadDim = 64;

struct Preset {
  const char* name;
  const char* size_name;
  wan_dit::Config dit;
  umt5::Config text_encoder;
  int64_t vae_base, tae_base;
  int64_t width_px, height_px, frames;
};

constexpr umt5::Config kXxl{};

constexpr Preset kPresets[] = {
    {.name = "tiny",
     .size_name = "tiny",
     .dit = {.dim = 256, .ffn_dim = 512, .layers = 2, .text_dim = 256},
     .text_encoder = {.vocab = 384, .dim = 256, .ffn_dim = 512, .layers = 2},
     .vae_base = 16,
     .tae_base = 8,
     .width_px = 64,
     .height_px = 64,
     .frames = 9},
    {.name = "wan2.1-t2v-1.3b",
     .size_name = "1.3b",
     .dit = {.dim = 1536, .ffn_dim = 8960, .layers = 30},
     .text_encoder = kXxl,
     .vae_base = 96,
     .tae_base = 64,
     .width_px = 832,
     .height_px = 480,
     .frames = 81},
    {.name = "wan2.1-t2v-14b",
     .size_name = "14b",
     .dit = {},
     .text_encoder = kXxl,
     .vae_base = 96,
     .tae_base = 64,
     .width_px = 832,
     .height_px = 480,
     .frames = 81},
};

const Preset& find_preset(const std::string& name) {
  std::string known;
  for (const Preset& preset : kPresets) {
    if (name == preset.name) return preset;
    known += str_cat(known.empty() ? "" : ", ", preset.name);
  }
  fail(ErrorCode::kInvalidArgument, str_cat("There is no preset \"", name, "\"."),
       str_cat("Known are ", known, "."));
}

int64_t chosen(int64_t own, int64_t preset) { return own == 0 ? preset : own; }

void require_multiple(const char* what, int64_t value, int64_t divisor, int64_t most) {
  REEL_REQUIRE(
      value > 0 && value % divisor == 0 && value <= most, kInvalidArgument,
      str_cat(what, " is ", value, "; a multiple of ", divisor, " up to ", most, " is needed."));
}

void check(const Model& model) {
  require_multiple("dim", model.dit.dim, wan_dit::kHeadDim, 1 << 16);
  require_multiple("ffn_dim", model.dit.ffn_dim, 1, 1 << 18);
  require_multiple("layers", model.dit.layers, 1, 1000);
  require_multiple("text_dim", model.dit.text_dim, kTextHeadDim, 1 << 16);
  require_multiple("t5_ffn_dim", model.text_encoder.ffn_dim, 1, 1 << 18);
  require_multiple("t5_layers", model.text_encoder.layers, 1, 1000);
  require_multiple("vae_base", model.vae.channels.back(), 4, 1 << 12);
  require_multiple("tae_base", model.tae.channels.back(), 1, 1 << 12);
  const auto pieces = static_cast<int64_t>(model.tokenizer.vocabulary.pieces.size());
  REEL_REQUIRE(model.text_encoder.vocab >= pieces && model.text_encoder.vocab < (1 << 24),
               kInvalidArgument,
               str_cat("t5_vocab is ", model.text_encoder.vocab, "; at least the ", pieces,
                       " pieces of the tokenizer are needed."));
}

}  // namespace

std::string size_name_of(const wan_dit::Config& dit) {
  for (const Preset& preset : kPresets) {
    if (preset.dit.dim == dit.dim && preset.dit.layers == dit.layers) return preset.size_name;
  }
  return "custom";
}

Model model_of(const SynthRequest& request) {
  const Preset& preset = find_preset(request.preset);
  Model model{.size_name = preset.size_name,
              .display_name = str_cat("random ", preset.size_name),
              .example_prompt = {},
              .kind = {},
              .dit = preset.dit,
              .text_encoder = preset.text_encoder,
              .vae = {},
              .tae = {},
              .width_px = chosen(request.width_px, preset.width_px),
              .height_px = chosen(request.height_px, preset.height_px),
              .frames = chosen(request.frames, preset.frames),
              .with_vace = request.with_vace,
              .lora_rank = request.lora_rank,
              .tokenizer = small_tokenizer(),
              .seed = request.seed,
              .find_values = {}};
  model.dit.dim = chosen(request.dim, model.dit.dim);
  model.dit.ffn_dim = chosen(request.ffn_dim, model.dit.ffn_dim);
  model.dit.layers = chosen(request.layers, model.dit.layers);
  model.dit.text_dim = chosen(request.text_dim, model.dit.text_dim);
  umt5::Config& text = model.text_encoder;
  text.vocab = chosen(request.t5_vocab, text.vocab);
  text.dim = model.dit.text_dim;
  text.attn_dim = text.dim;
  text.heads = text.dim / kTextHeadDim;
  text.ffn_dim = chosen(request.t5_ffn_dim, text.ffn_dim);
  text.layers = chosen(request.t5_layers, text.layers);
  const int64_t base = chosen(request.vae_base, preset.vae_base);
  model.vae.channels = {4 * base, 4 * base, 4 * base, 2 * base, base};
  const int64_t tae_base = chosen(request.tae_base, preset.tae_base);
  model.tae.channels = {4 * tae_base, 2 * tae_base, tae_base, tae_base};
  check(model);
  return model;
}

}  // namespace reel::synth
