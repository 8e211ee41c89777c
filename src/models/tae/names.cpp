// SPDX-License-Identifier: Apache-2.0
// Source: madebyollin/taehv, taehv.py, class TAEHV: the keys of its decoder's state dict.
#include "models/tae/names.h"

namespace reel::tae {
namespace {

using checkpoint::NameRow;
using checkpoint::NameUnit;
using enum checkpoint::RowKind;

constexpr NameRow kTopRows[] = {
    {kTop, kFirst, "decoder.1", kConv, "[c0, 16, 3, 3]"},
    {kTop, kHead, "decoder.22", kConv, "[3, c3, 3, 3]"},
};

// The first convolution takes a frame and the one before it.
constexpr NameRow kMemoryRows[kLevels][3] = {
    {{kMemory, kConv1, "conv.0", kConv, "[c0, 2 * c0, 3, 3]", 1, 2},
     {kMemory, kConv2, "conv.2", kConv, "[c0, c0, 3, 3]"},
     {kMemory, kConv3, "conv.4", kConv, "[c0, c0, 3, 3]"}},
    {{kMemory, kConv1, "conv.0", kConv, "[c1, 2 * c1, 3, 3]", 1, 2},
     {kMemory, kConv2, "conv.2", kConv, "[c1, c1, 3, 3]"},
     {kMemory, kConv3, "conv.4", kConv, "[c1, c1, 3, 3]"}},
    {{kMemory, kConv1, "conv.0", kConv, "[c2, 2 * c2, 3, 3]", 1, 2},
     {kMemory, kConv2, "conv.2", kConv, "[c2, c2, 3, 3]"},
     {kMemory, kConv3, "conv.4", kConv, "[c2, c2, 3, 3]"}},
};

// One part for each frame that is made of one.
constexpr NameRow kLevelRows[kLevels][2] = {
    {{kLevel, kGrow, "decoder.7.conv", kConvBare, "[c0, c0, 1, 1]"},
     {kLevel, kNarrow, "decoder.8", kConvBare, "[c1, c0, 3, 3]"}},
    {{kLevel, kGrow, "decoder.13.conv", kConvBare, "[2 * c1, c1, 1, 1]", 2},
     {kLevel, kNarrow, "decoder.14", kConvBare, "[c2, c1, 3, 3]"}},
    {{kLevel, kGrow, "decoder.19.conv", kConvBare, "[2 * c2, c2, 1, 1]", 2},
     {kLevel, kNarrow, "decoder.20", kConvBare, "[c3, c2, 3, 3]"}},
};

// Weights that were trained to double frames here as well.
constexpr NameRow kDoublingLevel0Rows[] = {
    {kLevel, kGrow, "decoder.7.conv", kConvBare, "[2 * c0, c0, 1, 1]", 2},
    {kLevel, kNarrow, "decoder.8", kConvBare, "[c1, c0, 3, 3]"},
};

}  // namespace

NameUnit top_unit() { return {.prefix = "", .rows = kTopRows}; }

NameUnit memory_unit(int level, int index) {
  return {.prefix = "decoder." + std::to_string(3 + 6 * level + index) + '.',
          .rows = kMemoryRows[level]};
}

NameUnit level_unit(const Config& config, int level) {
  if (level == 0 && config.first_grow == 2) return {.prefix = "", .rows = kDoublingLevel0Rows};
  return {.prefix = "", .rows = kLevelRows[level]};
}

std::vector<NameUnit> name_units(const Config& config) {
  std::vector<NameUnit> units{top_unit()};
  for (int level = 0; level < kLevels; ++level) {
    for (int index = 0; index < kBlocksPerLevel; ++index) {
      units.push_back(memory_unit(level, index));
    }
    units.push_back(level_unit(config, level));
  }
  return units;
}

checkpoint::Dims dims_of(const Config& config) {
  const auto& c = config.channels;
  return {{"c0", c[0]}, {"c1", c[1]}, {"c2", c[2]}, {"c3", c[3]}};
}

}  // namespace reel::tae
