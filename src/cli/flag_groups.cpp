// SPDX-License-Identifier: Apache-2.0
// The flags that several commands share.
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"
#include "cli/flags.h"
#include "cli/seed_range.h"

namespace reel::cli {
namespace {

// "832x480", "480p", "720p"; none when it is none of them or has too large a number.
std::optional<std::pair<int, int>> parse_size(std::string_view text) {
  if (text == "480p") return std::pair(832, 480);
  if (text == "720p") return std::pair(1280, 720);
  std::pair<int, int> size;
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.first);
  if (width.ec != std::errc{} || width.ptr == end || std::strchr("xX*", *width.ptr) == nullptr) {
    return std::nullopt;
  }
  const auto height = std::from_chars(width.ptr + 1, end, size.second);
  if (height.ec != std::errc{} || height.ptr != end) return std::nullopt;
  return size;
}

// A file of that very name stands above a strength behind its colon.
LoraChoice parse_lora(const std::string& text) {
  std::error_code ignored;
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text, ignored)) return {.path = text};
  float strength = 1;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, strength);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return {.path = text};
  REEL_REQUIRE(colon > 0 && std::isfinite(strength), kInvalidArgument,
               str_cat("--lora is \"", text, "\"; a file, or a file:strength is needed."),
               "Write it like style.safetensors or style.safetensors:0.8.");
  return {.path = text.substr(0, colon), .strength = strength};
}

}  // namespace

void Flags::add_size(SamplingOptions& sampling) {
  const auto take = [&sampling](const std::string& text) {
    const auto size = parse_size(text);
    REEL_REQUIRE(size.has_value(), kInvalidArgument,
                 str_cat("--size is \"", text, "\"; a width and a height in pixels are needed."),
                 "Write it like 832x480, or 480p, 720p.");
    sampling.width_px = size->first;
    sampling.height_px = size->second;
  };
  add_parsed("--size", take, "width x height in pixels: 832x480, or 480p, 720p");
}

void Flags::add_model(ModelOptions& options) {
  begin_group("Model and machine");
  add("--model", options.model,
      "checkpoint: a folder, a file or the name of a pulled model; left out: the demo model");
  add("--text-encoder", options.text_encoder, "text encoder file, when it is not beside the model");
  add("--vae", options.vae,
      "VAE file, when it is not beside the model; or a light VAE or a TAE, which decode faster");
  add("--tae-latents", options.tae_latents,
      "what a TAE decodes: diffusion (as taew2_1), vae (as lighttaew2_1), or auto, by its name");
  add("--vae-tiling", options.vae_tiling,
      "off, or blended: tiles of 256 pixels as LightX2V's use_tiling_vae, which change the frames");
  add("--tokenizer", options.tokenizer, "tokenizer file or folder");
  add("--variant", options.variant,
      "which precision of a model that comes in several: fp8, int8, bf16");
  add("--checkpoint-kind", options.checkpoint_kind,
      "distilled or base, when the files do not tell");
  add_loras(options.loras);
  add("--device", options.device,
      "cpu, cuda:0, or cuda:0,cuda:1 for one clip on several GPUs; auto takes one where it can");
  add("--precision", options.precision,
      "of the products: auto, f32, bf16, int8, fp8; int8-fp8pv on a GPU");
  add("--threads", options.threads, "compute threads; 0 for all cores");
  add_bytes("--vram", options.vram_bytes,
            "behave as on a GPU of this size: 12, 12GB or 12GiB; default: all that is free");
  add_bytes("--ram", options.ram_bytes,
            "host memory for weights, like 8GiB; default: half of what is free");
  end_group();
}

void Flags::add_loras(std::vector<LoraChoice>& loras) {
  const auto take = [&loras](const std::string& text) { loras.push_back(parse_lora(text)); };
  add_each("--lora", take,
           "FILE or FILE:strength, added to the weights of the DiT; may be given several times");
}

void Flags::add_preview_decoder(ModelOptions& options) {
  add("--preview-decoder", options.preview_decoder,
      "a TAE that draws previews, larger and sharper than without");
}

void Flags::add_trace(ModelOptions& options) {
  add("--trace", options.trace, "a CSV file with a row for every op that ran");
}

void Flags::add_sampling(SamplingOptions& options) {
  begin_group("Sampling");
  add("--seed", options.seed, "random and printed when left out");
  add_all_but_seed(options);
}

void Flags::add_sampling(SamplingOptions& options, int& count) {
  count = 0;
  const auto take = [&options, &count](const std::string& text) {
    const SeedRange range = parse_seed_range(text);
    options.seed = range.first;
    if (text.find("..") != std::string::npos) count = range.count;
  };
  begin_group("Sampling");
  add_parsed("--seed", take, "random and printed when left out; 1..8 makes eight clips");
  add_all_but_seed(options);
}

void Flags::add_all_but_seed(SamplingOptions& options) {
  add_size(options);
  add("--frames", options.frames, "4n + 1, like 81");
  add("--steps", options.steps, "denoising steps; the model's own when left out");
  add("--timesteps", options.timesteps, "step list of a distilled model, like 1000,750,500,250");
  add("--shift", options.shift, "shift of the noise levels");
  add("--guidance", options.guidance, "classifier-free guidance; 1 is off");
  add("--sampler", options.sampler, "lcm, euler (distilled models) or unipc (base models)");
  add("--rng", options.rng,
      "whose noise a seed gives: torch-cuda (Wan, LightX2V), torch-cpu (ComfyUI)");
  add("--rng-sms", options.rng_sm_count,
      "multiprocessors of the GPU that torch-cuda noise imitates; default: the one used");
  add("--rng-threads-per-sm", options.rng_threads_per_sm, "and its threads per multiprocessor");
  end_group();
}

void drop_unseen_previews(const std::string& preview_dir, ModelOptions& options,
                          Terminal& terminal) {
  if (options.preview_decoder.empty() || !preview_dir.empty()) return;
  options.preview_decoder.clear();
  terminal.note("--preview-decoder has no effect without --preview.");
}

}  // namespace reel::cli
