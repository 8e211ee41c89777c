// SPDX-License-Identifier: Apache-2.0
#include "models/tae/weights.h"

#include "models/tae/names.h"

namespace reel::tae {
namespace {

using checkpoint::NameUnit;
using memory::WeightSource;
using models::Binder;

MemoryWeights bind_memory(const WeightSource& source, const NameUnit& unit) {
  const Binder binder{source, unit};
  return {.conv1 = binder.conv(kMemory, kConv1),
          .conv2 = binder.conv(kMemory, kConv2),
          .conv3 = binder.conv(kMemory, kConv3)};
}

LevelWeights bind_level(const Config& config, const WeightSource& source, int level) {
  const NameUnit unit = level_unit(config, level);
  const Binder binder{source, unit};
  LevelWeights weights{.blocks = {}, .grow = {}, .narrow = binder.conv_view(kLevel, kNarrow)};
  for (int index = 0; index < kBlocksPerLevel; ++index) {
    weights.blocks[static_cast<size_t>(index)] = bind_memory(source, memory_unit(level, index));
  }
  const int stored = level == 0 ? config.first_grow : Config::grow(level);
  for (int part = stored - Config::grow(level); part < stored; ++part) {
    weights.grow.push_back(binder.conv_view(kLevel, kGrow, part));
  }
  return weights;
}

}  // namespace

DecoderWeights bind_decoder(const Config& config, const WeightSource& source) {
  const NameUnit unit = top_unit();
  const Binder top{source, unit};
  DecoderWeights weights{
      .first = top.conv(kTop, kFirst), .head = top.conv(kTop, kHead), .levels = {}};
  for (int level = 0; level < kLevels; ++level) {
    weights.levels[static_cast<size_t>(level)] = bind_level(config, source, level);
  }
  return weights;
}

}  // namespace reel::tae
