// SPDX-License-Identifier: Apache-2.0
// The networks to be written: their dimensions, and the numbers of every tensor.
#pragma once

#include <reel/synth.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/shape.h"
#include "models/tae/config.h"
#include "models/umt5/config.h"
#include "models/wan_dit/config.h"
#include "models/wan_vae/config.h"
#include "pipeline/synth/spiece_model.h"
#include "pipeline/synth/values.h"

namespace reel::synth {

// The numbers of a tensor under Wan's own name; null for a tensor that is not there.
using FindValues = std::function<TensorValuesPtr(checkpoint::Network, const std::string& name)>;

struct Model {
  std::string size_name;                     // "14b", "1.3b", "tiny": part of file names
  std::string display_name, example_prompt;  // for config.json; the second may be empty
  // "distilled" or "base" where the files shall say so; random models say it by their names alone.
  std::string kind;
  // Of previews, for config.json: checkpoint::ModelSettings; empty for Wan's own VAE.
  std::optional<std::array<std::array<float, 3>, 17>> latent_rgb;
  wan_dit::Config dit;
  umt5::Config text_encoder;
  wan_vae::Config vae;
  tae::Config tae;
  int64_t width_px = 0, height_px = 0, frames = 0;
  bool with_vace = false;
  int64_t lora_rank = 0;  // of the pairs of a LoRA; 0: 4
  TokenizerFiles tokenizer;
  uint64_t seed = 0;       // of random numbers
  FindValues find_values;  // null: all numbers are random; otherwise those of VACE alone
};

// "14b" for the dimensions of that preset, "custom" for those of none.
std::string size_name_of(const wan_dit::Config& dit);

// The preset with the request's own dimensions. Throws kInvalidArgument.
Model model_of(const SynthRequest& request);

// A tensor under Wan's own name.
struct SourceTensor {
  std::string name;
  Shape shape;
  TensorValuesPtr values;
  int block = -1;          // of the DiT or the text encoder; VACE blocks have none
  bool is_matrix = false;  // of a block: what quantised layouts quantise
  bool is_value = false;   // the value projection of an attention
  bool is_down = false;    // the last matrix of a feed-forward network
};

// In the order of the original state dicts.
std::vector<SourceTensor> dit_tensors(const Model& model);
std::vector<SourceTensor> text_encoder_tensors(const Model& model);
// With the encoder's, unless the numbers come from a VAE without them.
std::vector<SourceTensor> vae_tensors(const Model& model);
// Of the decoder alone, which is all that is read. Always random.
std::vector<SourceTensor> tae_tensors(const Model& model);

}  // namespace reel::synth
