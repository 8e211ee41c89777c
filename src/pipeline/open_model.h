// SPDX-License-Identifier: Apache-2.0
// A model that was found, checked and made ready to load: headers only, no weights yet.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"
#include "models/umt5/encoder.h"
#include "models/wan_dit/transformer.h"
#include "models/wan_vae/latent_rgb.h"
#include "pipeline/latent_decoder.h"
#include "pipeline/loaded_weights.h"
#include "pipeline/recipe.h"
#include "pipeline/request_check.h"
#include "pipeline/runtime.h"
#include "tokenizer/tokenizer.h"

namespace reel::pipeline {

// Which parts a caller is going to use; the others may be missing.
struct Parts {
  bool tokenizer = true, text_encoder = true, dit = true, vae = true;
};

// A network with its weights. Weights are read when first used and freed with the object.
template <typename Model, typename Config>
class Loaded {
 public:
  Loaded(const checkpoint::Component& component, const Config& config, memory::Manifest manifest,
         Runtime& runtime, memory::Phase phase, const prepare::Precision& precision,
         uint64_t host_budget_bytes)
      : weights_(component, std::move(manifest), runtime, phase, precision, host_budget_bytes),
        model_(make_model(config)) {}

  Model* operator->() { return &model_; }
  LoadedWeights& weights() { return weights_; }

 private:
  Model make_model(const Config& config) {
    if constexpr (std::is_constructible_v<Model, const Config&, memory::BlockSource&>) {
      return Model(config, weights_.source());
    } else {
      return Model(weights_.source());
    }
  }

  LoadedWeights weights_;
  Model model_;
};

using LoadedText = Loaded<umt5::Encoder, umt5::Config>;
using LoadedDit = Loaded<wan_dit::Transformer, wan_dit::Config>;
using LoadedDecoder = Loaded<BoundDecoder, LatentDecoder>;

// Where to look for what; without a model, the demo's folder. Throws kNotFound when it is not
// there.
checkpoint::OpenOptions open_options(const ModelOptions& options);

class OpenModel {
 public:
  // Throws as checkpoint::open_checkpoint, and kNotFound for a part of `parts` that is missing.
  OpenModel(const ModelOptions& options, const Parts& parts, Progress& progress);

  const checkpoint::Checkpoint& files() const { return files_; }
  const ModelFacts& facts() const { return facts_; }
  const LatentDecoder& decoder() const { return decoder_; }
  // Of files().preview, where that is there.
  const LatentDecoder& preview_decoder() const { return preview_decoder_; }
  // For previews: what config.json says, else that of Wan's own VAE.
  const wan_vae::LatentRgb& latent_rgb() const { return latent_rgb_; }
  // As the recipe has them; reads each file once. Throws kCancelled.
  std::vector<LoraRecord> lora_records(const StopFlag& stop) const;
  // The DiT ends after its first `layers` blocks; 0 keeps all. Throws kInvalidArgument when there
  // are fewer.
  void keep_layers(int layers);

  tokenizer::Tokenizer load_tokenizer() const;
  std::unique_ptr<LoadedText> load_text(Runtime& runtime, bool used_again) const;
  // `precision` is the runtime's, or the safer one for the guard's second attempt.
  std::unique_ptr<LoadedDit> load_dit(Runtime& runtime, const prepare::Precision& precision,
                                      memory::Phase phase = memory::Phase::kDenoise) const;
  std::unique_ptr<LoadedDecoder> load_decoder(Runtime& runtime) const;

 private:
  checkpoint::Checkpoint files_;
  ModelFacts facts_;
  umt5::Config text_config_;
  LatentDecoder decoder_, preview_decoder_;
  wan_vae::LatentRgb latent_rgb_ = wan_vae::kWanLatentRgb;
};

}  // namespace reel::pipeline
