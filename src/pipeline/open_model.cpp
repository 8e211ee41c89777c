// SPDX-License-Identifier: Apache-2.0
#include "pipeline/open_model.h"

#include <algorithm>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "hub/model_folders.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "pipeline/model_configs.h"
#include "pipeline/tokenizer_source.h"

namespace reel::pipeline {
namespace {

using checkpoint::needed_tensors;

// A prompt is encoded once: layers of an encoder larger than this are not worth keeping.
constexpr uint64_t kSmallModelBytes = uint64_t{512} << 20;

void require_parts(const checkpoint::Checkpoint& files, const Parts& parts) {
  const bool complete = (files.tokenizer || !parts.tokenizer) &&
                        (files.text_encoder || !parts.text_encoder) && (files.dit || !parts.dit) &&
                        (files.vae || !parts.vae);
  if (complete) return;
  std::string all;
  for (const std::string& sentence : files.missing) all += (all.empty() ? "" : " ") + sentence;
  fail(ErrorCode::kNotFound,
       all.empty() ? str_cat('"', files.path.string(), "\" is incomplete.") : all,
       "Put what is missing into the folder of the model, or say where it is with --text-encoder, "
       "--vae, --tokenizer.");
}

std::string file_digest(const InputFile& file, const StopFlag& stop) {
  std::vector<std::byte> piece(size_t{8} << 20);
  Digest digest;
  for (uint64_t at = 0; at < file.size_bytes(); at += piece.size()) {
    stop.check();
    const auto part =
        std::span(piece).first(std::min<uint64_t>(piece.size(), file.size_bytes() - at));
    file.read_at(at, part);
    digest.add(part);
  }
  file.require_unchanged();
  return digest.hex();
}

}  // namespace

checkpoint::OpenOptions open_options(const ModelOptions& options) {
  checkpoint::OpenOptions open{.model = hub::find_model(options.model),
                               .text_encoder = options.text_encoder,
                               .vae = options.vae,
                               .tokenizer = options.tokenizer,
                               .preview = options.preview_decoder,
                               .variant = options.variant,
                               .kind = std::nullopt};
  for (const LoraChoice& lora : options.loras) {
    REEL_REQUIRE(!lora.path.empty(), kInvalidArgument, "A LoRA was given without its file.");
    open.loras.push_back({.path = hub::find_model(lora.path), .strength = lora.strength});
  }
  if (options.checkpoint_kind == "distilled") open.kind = checkpoint::Verdict::kDistilled;
  if (options.checkpoint_kind == "base") open.kind = checkpoint::Verdict::kBase;
  REEL_REQUIRE(options.checkpoint_kind.empty() || open.kind, kInvalidArgument,
               str_cat("checkpoint kind is \"", options.checkpoint_kind,
                       "\"; distilled and base are possible."));
  if (!open.model.empty()) return open;
  const auto demo = env::demo_model_folder();
  REEL_REQUIRE(demo.has_value(), kNotFound,
               "No --model was given and the built-in demo model is not installed.",
               "Give --model, or point REEL_DEMO_MODEL at the folder models/demo.");
  open.model = *demo;
  return open;
}

OpenModel::OpenModel(const ModelOptions& options, const Parts& parts, Progress& progress)
    : files_(checkpoint::open_checkpoint(open_options(options))) {
  require_parts(files_, parts);
  if (options.vram_bytes != 0 && gpu_index(first_device(options.device)) < 0) {
    progress.on_warning("A budget of GPU memory has no effect on the CPU.");
  }
  for (const std::string& note : files_.notes) progress.on_note(note);
  for (const std::string& warning : files_.warnings) progress.on_warning(warning);
  if (parts.dit) facts_.dit = dit_config(files_);
  if (parts.text_encoder) text_config_ = text_config(*files_.text_encoder);
  const bool has_tae =
      files_.preview || (parts.vae && files_.vae->network == checkpoint::Network::kTae);
  if (!has_tae && options.tae_latents != "auto") {
    progress.on_warning("What a TAE decodes has no effect without a TAE.");
  }
  const bool blends_tiles = wants_blended_tiles(options.vae_tiling);
  if (parts.vae) decoder_ = LatentDecoder(*files_.vae, options.tae_latents, blends_tiles);
  if (parts.vae && blends_tiles && !decoder_.blends_tiles()) {
    progress.on_warning("VAE tiling has no effect on a TAE, which has no tiles.");
  }
  if (files_.preview) preview_decoder_ = LatentDecoder(*files_.preview, options.tae_latents);
  REEL_REQUIRE(!parts.dit || !parts.text_encoder || facts_.dit.text_dim == text_config_.dim,
               kBadFile,
               str_cat("The DiT takes text of width ", facts_.dit.text_dim,
                       " but the text encoder makes ", text_config_.dim, '.'),
               "The two files belong to different models.");
  facts_.verdict = files_.verdict;
  facts_.is_demo = options.model.empty();
  const checkpoint::ModelSettings& settings = files_.settings;
  if (const auto& rows = settings.latent_rgb; rows) {
    std::copy_n(rows->begin(), latent_rgb_.factors.size(), latent_rgb_.factors.begin());
    latent_rgb_.bias = rows->back();
  }
  facts_.states_its_size = settings.width_px && settings.height_px;
  facts_.noise_gpu = noise_gpu(first_device(options.device));
  facts_.default_size = {.frames = settings.frames.value_or(81),
                         .height_px = settings.height_px.value_or(480),
                         .width_px = settings.width_px.value_or(832)};
}

void OpenModel::keep_layers(int layers) {
  REEL_REQUIRE(layers >= 0 && layers <= facts_.dit.layers, kInvalidArgument,
               str_cat("layers is ", layers, "; this model has ", facts_.dit.layers, '.'));
  if (layers > 0) facts_.dit.layers = layers;
}

std::vector<LoraRecord> OpenModel::lora_records(const StopFlag& stop) const {
  std::vector<LoraRecord> records;
  for (const checkpoint::AppliedLora& lora : files_.loras) {
    records.push_back({.name = lora.file->path().filename().string(),
                       .digest = file_digest(lora.file->file(), stop),
                       .strength = lora.strength});
  }
  return records;
}

tokenizer::Tokenizer OpenModel::load_tokenizer() const {
  tokenizer::Tokenizer tokens(read_tokenizer_source(*files_.tokenizer));
  return tokens;
}

std::unique_ptr<LoadedText> OpenModel::load_text(Runtime& runtime, bool used_again) const {
  const auto needed = needed_tensors(umt5::name_units(text_config_), umt5::dims_of(text_config_));
  const uint64_t budget = used_again ? runtime.weight_budget_bytes()
                                     : std::min(kSmallModelBytes, runtime.weight_budget_bytes());
  return std::make_unique<LoadedText>(*files_.text_encoder, text_config_,
                                      prepare::make_manifest(needed), runtime, memory::Phase::kText,
                                      runtime.text_numbers().precision, budget);
}

std::unique_ptr<LoadedDit> OpenModel::load_dit(Runtime& runtime,
                                               const prepare::Precision& precision,
                                               memory::Phase phase) const {
  const auto needed = needed_tensors(wan_dit::name_units(facts_.dit), wan_dit::dims_of(facts_.dit));
  return std::make_unique<LoadedDit>(*files_.dit, facts_.dit, prepare::make_manifest(needed),
                                     runtime, phase, precision, runtime.weight_budget_bytes());
}

std::unique_ptr<LoadedDecoder> OpenModel::load_decoder(Runtime& runtime) const {
  return std::make_unique<LoadedDecoder>(
      *files_.vae, decoder_, prepare::make_manifest(decoder_.needed()), runtime,
      memory::Phase::kDecode, runtime.vae_numbers().precision, runtime.weight_budget_bytes());
}

}  // namespace reel::pipeline
