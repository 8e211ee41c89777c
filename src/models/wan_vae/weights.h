// SPDX-License-Identifier: Apache-2.0
// The weights of the decoder as plain structs.
#pragma once

#include <array>
#include <vector>

#include "memory/weight_source.h"
#include "models/binding/binder.h"
#include "models/wan_vae/config.h"
#include "nn/linear.h"

namespace reel::wan_vae {

using models::ConvWeights;

struct ResidualWeights {
  TensorView norm1, norm2;  // [channels] f32
  ConvWeights conv1, conv2;
  nn::Linear shortcut;  // empty where the channels stay
};

struct AttentionWeights {
  TensorView norm;
  nn::Linear q, k, v, projection;
};

struct ResampleWeights {
  ConvWeights even_frame, odd_frame;  // empty where only rows and columns double
  ConvWeights space;
};

struct DecoderWeights {
  nn::Linear latent;
  ConvWeights first;
  ResidualWeights middle0, middle2;
  AttentionWeights middle1;
  std::array<std::array<ResidualWeights, kResidualsPerLevel>, kLevels> residuals;
  std::array<ResampleWeights, kLevels - 1> resamples;
  TensorView head_norm;
  ConvWeights head;
};

DecoderWeights bind_decoder(const memory::WeightSource& source);

}  // namespace reel::wan_vae
