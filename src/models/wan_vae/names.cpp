// SPDX-License-Identifier: Apache-2.0
// Source: Wan 2.1, wan/modules/vae.py, class Decoder3d: the keys of its state dict.
#include "models/wan_vae/names.h"

namespace reel::wan_vae {
namespace {

using checkpoint::NameRow;
using checkpoint::NameUnit;
using enum checkpoint::RowKind;

constexpr NameRow kTopRows[] = {
    {kTop, kLatentConv, "conv2", kLinearF32, "[16, 16, 1, 1, 1]"},
    {kTop, kFirstConv, "decoder.conv1", kConv, "[c0, 16, 3, 3, 3]"},
    {kTop, kHeadNorm, "decoder.head.0.gamma", kTensor, "[c4, 1, 1, 1]"},
    {kTop, kHeadConv, "decoder.head.2", kConv, "[3, c4, 3, 3, 3]"},
};

constexpr NameRow kAttentionRows[] = {
    {kAttn, kAttnNorm, "norm.gamma", kTensor, "[c0, 1, 1]"},
    {kAttn, kQkv, "to_qkv", kLinearWide, "[3 * c0, c0, 1, 1]", 3},
    {kAttn, kProjection, "proj", kLinearWide, "[c0, c0, 1, 1]"},
};

// A residual block that keeps its number of channels. Shapes differ by level only.
#define REEL_RESIDUAL_ROWS(in, out)                                             \
  {kResidual, kNorm1, "residual.0.gamma", kTensor, "[" in ", 1, 1, 1]"},        \
      {kResidual, kConv1, "residual.2", kConv, "[" out ", " in ", 3, 3, 3]"},   \
      {kResidual, kNorm2, "residual.3.gamma", kTensor, "[" out ", 1, 1, 1]"}, { \
    kResidual, kConv2, "residual.6", kConv, "[" out ", " out ", 3, 3, 3]"       \
  }

constexpr NameRow kMiddleRows[] = {REEL_RESIDUAL_ROWS("c0", "c0")};
constexpr NameRow kLevel0Rows[] = {REEL_RESIDUAL_ROWS("c1", "c1")};
constexpr NameRow kLevel1FirstRows[] = {
    REEL_RESIDUAL_ROWS("half_c1", "c2"),
    {kResidual, kShortcut, "shortcut", kLinearWide, "[c2, half_c1, 1, 1, 1]"},
};
constexpr NameRow kLevel1Rows[] = {REEL_RESIDUAL_ROWS("c2", "c2")};
constexpr NameRow kLevel2Rows[] = {REEL_RESIDUAL_ROWS("c3", "c3")};
constexpr NameRow kLevel3Rows[] = {REEL_RESIDUAL_ROWS("c4", "c4")};
#undef REEL_RESIDUAL_ROWS

// The time convolution's first half of channels is the even frame, its second half the odd one.
constexpr NameRow kResample0Rows[] = {
    {kResample, kTimeConv, "time_conv", kConv, "[2 * c1, c1, 3, 1, 1]", 2},
    {kResample, kSpaceConv, "resample.1", kConv, "[half_c1, c1, 3, 3]"},
};
constexpr NameRow kResample1Rows[] = {
    {kResample, kTimeConv, "time_conv", kConv, "[2 * c2, c2, 3, 1, 1]", 2},
    {kResample, kSpaceConv, "resample.1", kConv, "[c3, c2, 3, 3]"},
};
constexpr NameRow kResample2Rows[] = {
    {kResample, kSpaceConv, "resample.1", kConv, "[c4, c3, 3, 3]"},
};

std::string upsample_prefix(int index) {
  return "decoder.upsamples." + std::to_string(index) + '.';
}

std::span<const NameRow> residual_rows(int level, int index) {
  switch (level) {
    case 0: return kLevel0Rows;
    case 1: return index == 0 ? std::span<const NameRow>(kLevel1FirstRows) : kLevel1Rows;
    case 2: return kLevel2Rows;
    default: return kLevel3Rows;
  }
}

}  // namespace

NameUnit top_unit() { return {.prefix = "", .rows = kTopRows}; }

NameUnit middle_residual_unit(int index) {
  return {.prefix = "decoder.middle." + std::to_string(index) + '.', .rows = kMiddleRows};
}

NameUnit middle_attention_unit() { return {.prefix = "decoder.middle.1.", .rows = kAttentionRows}; }

NameUnit residual_unit(int level, int index) {
  return {.prefix = upsample_prefix(4 * level + index), .rows = residual_rows(level, index)};
}

NameUnit resample_unit(int level) {
  const std::span<const NameRow> rows[] = {kResample0Rows, kResample1Rows, kResample2Rows};
  return {.prefix = upsample_prefix(4 * level + 3), .rows = rows[level]};
}

std::vector<NameUnit> name_units() {
  std::vector<NameUnit> units{top_unit(), middle_residual_unit(0), middle_attention_unit(),
                              middle_residual_unit(2)};
  for (int level = 0; level < kLevels; ++level) {
    for (int index = 0; index < kResidualsPerLevel; ++index) {
      units.push_back(residual_unit(level, index));
    }
    if (level + 1 < kLevels) units.push_back(resample_unit(level));
  }
  return units;
}

checkpoint::Dims dims_of(const Config& config) {
  const auto& c = config.channels;
  return {{"c0", c[0]}, {"c1", c[1]}, {"half_c1", c[1] / 2},
          {"c2", c[2]}, {"c3", c[3]}, {"c4", c[4]}};
}

}  // namespace reel::wan_vae
