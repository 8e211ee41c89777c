// SPDX-License-Identifier: Apache-2.0
// The weights of a TAE's decoder as plain structs.
#pragma once

#include <array>
#include <vector>

#include "memory/weight_source.h"
#include "models/binding/binder.h"
#include "models/tae/config.h"

namespace reel::tae {

using models::ConvWeights;

struct MemoryWeights {
  ConvWeights conv1;  // over two frames
  ConvWeights conv2, conv3;
};

struct LevelWeights {
  std::array<MemoryWeights, kBlocksPerLevel> blocks;
  std::vector<ConvView> grow;  // of each frame that is made of one; no bias
  ConvView narrow;             // no bias
};

struct DecoderWeights {
  ConvWeights first, head;
  std::array<LevelWeights, kLevels> levels;
};

// The views are as valid as the source's.
DecoderWeights bind_decoder(const Config& config, const memory::WeightSource& source);

}  // namespace reel::tae
