// SPDX-License-Identifier: Apache-2.0
// The networks to be written: their dimensions, and the rule behind every tensor's numbers.
#pragma once

#include <reel/synth.h>

#include <string>
#include <vector>

#include "core/shape.h"
#include "models/umt5/config.h"
#include "models/wan_dit/config.h"
#include "models/wan_vae/config.h"
#include "pipeline/synth/values.h"

namespace reel::synth {

struct Model {
  std::string size_name;  // "14b", "1.3b", "tiny": part of file names
  wan_dit::Config dit;
  umt5::Config text_encoder;
  wan_vae::Config vae;
  int64_t width_px = 0, height_px = 0, frames = 0;
  bool with_vace = false;
};

// The preset with the request's own dimensions. Throws kInvalidArgument.
Model model_of(const SynthRequest& request);

// A tensor under Wan's own name.
struct SourceTensor {
  std::string name;
  Shape shape;
  ValueRule values;
  int block = -1;          // of the DiT or the text encoder; VACE blocks have none
  bool is_matrix = false;  // of a block: what quantised layouts quantise
  bool is_value = false;   // the value projection of an attention
  bool is_down = false;    // the last matrix of a feed-forward network
};

// In the order of the original state dicts.
std::vector<SourceTensor> dit_tensors(const Model& model);
std::vector<SourceTensor> text_encoder_tensors(const Model& model);
std::vector<SourceTensor> vae_tensors(const Model& model);

}  // namespace reel::synth
