// SPDX-License-Identifier: Apache-2.0
// Source: Wan 2.1, wan/modules/vae.py, class Encoder3d: the keys of its state dict.
#include "models/wan_vae/encoder_names.h"

#include "models/wan_vae/names.h"

namespace reel::wan_vae {
namespace {

using checkpoint::NameRow;
using checkpoint::NameUnit;
using enum checkpoint::RowKind;

constexpr NameRow kEncoderTopRows[] = {
    {kTop, kLatentConv, "conv1", kLinearF32, "[32, 32, 1, 1, 1]"},
    {kTop, kFirstConv, "encoder.conv1", kConv, "[e0, 3, 3, 3, 3]"},
    {kTop, kHeadNorm, "encoder.head.0.gamma", kTensor, "[e2, 1, 1, 1]"},
    {kTop, kHeadConv, "encoder.head.2", kConv, "[32, e2, 3, 3, 3]"},
};

constexpr NameRow kEncoderAttentionRows[] = {
    {kAttn, kAttnNorm, "norm.gamma", kTensor, "[e2, 1, 1]"},
    {kAttn, kQkv, "to_qkv", kLinear, "[3 * e2, e2, 1, 1]", 3},
    {kAttn, kProjection, "proj", kLinear, "[e2, e2, 1, 1]"},
};

#define REEL_RESIDUAL_ROWS(in, out)                                             \
  {kResidual, kNorm1, "residual.0.gamma", kTensor, "[" in ", 1, 1, 1]"},        \
      {kResidual, kConv1, "residual.2", kConv, "[" out ", " in ", 3, 3, 3]"},   \
      {kResidual, kNorm2, "residual.3.gamma", kTensor, "[" out ", 1, 1, 1]"}, { \
    kResidual, kConv2, "residual.6", kConv, "[" out ", " out ", 3, 3, 3]"       \
  }

// clang-format off
constexpr NameRow kEncoderLevel0Rows[] = {REEL_RESIDUAL_ROWS("e0", "e0")};
constexpr NameRow kEncoderLevel1FirstRows[] = {REEL_RESIDUAL_ROWS("e0", "e1"),
    {kResidual, kShortcut, "shortcut", kLinear, "[e1, e0, 1, 1, 1]"}};
constexpr NameRow kEncoderLevel1Rows[] = {REEL_RESIDUAL_ROWS("e1", "e1")};
constexpr NameRow kEncoderLevel2FirstRows[] = {REEL_RESIDUAL_ROWS("e1", "e2"),
    {kResidual, kShortcut, "shortcut", kLinear, "[e2, e1, 1, 1, 1]"}};
constexpr NameRow kEncoderLevel2Rows[] = {REEL_RESIDUAL_ROWS("e2", "e2")};
// clang-format on
#undef REEL_RESIDUAL_ROWS

constexpr NameRow kHalve0Rows[] = {{kResample, kSpaceConv, "resample.1", kConv, "[e0, e0, 3, 3]"}};
constexpr NameRow kHalve1Rows[] = {
    {kResample, kSpaceConv, "resample.1", kConv, "[e1, e1, 3, 3]"},
    {kResample, kTimeConv, "time_conv", kConv, "[e1, e1, 3, 1, 1]"},
};
constexpr NameRow kHalve2Rows[] = {
    {kResample, kSpaceConv, "resample.1", kConv, "[e2, e2, 3, 3]"},
    {kResample, kTimeConv, "time_conv", kConv, "[e2, e2, 3, 1, 1]"},
};

// encoder.downsamples.<position in this list>
constexpr std::span<const NameRow> kDownsamples[] = {
    kEncoderLevel0Rows,      kEncoderLevel0Rows, kHalve0Rows,  //
    kEncoderLevel1FirstRows, kEncoderLevel1Rows, kHalve1Rows,  //
    kEncoderLevel2FirstRows, kEncoderLevel2Rows, kHalve2Rows,  //
    kEncoderLevel2Rows,      kEncoderLevel2Rows,
};

}  // namespace

std::vector<NameUnit> encoder_name_units() {
  std::vector<NameUnit> units{{.prefix = "", .rows = kEncoderTopRows}};
  for (const auto rows : kDownsamples) {
    units.push_back(
        {.prefix = "encoder.downsamples." + std::to_string(units.size() - 1) + '.', .rows = rows});
  }
  units.push_back({.prefix = "encoder.middle.0.", .rows = kEncoderLevel2Rows});
  units.push_back({.prefix = "encoder.middle.1.", .rows = kEncoderAttentionRows});
  units.push_back({.prefix = "encoder.middle.2.", .rows = kEncoderLevel2Rows});
  return units;
}

checkpoint::Dims encoder_dims(const Config& config) {
  const int64_t base = config.channels.back();
  return {{"e0", base}, {"e1", 2 * base}, {"e2", 4 * base}};
}

}  // namespace reel::wan_vae
