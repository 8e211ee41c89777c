// SPDX-License-Identifier: Apache-2.0
// Source: Wan 2.1, wan/modules/vace_model.py, class VaceWanModel: the keys of its state dict.
#include "models/wan_dit/vace_names.h"

#include "models/wan_dit/names.h"

namespace reel::wan_dit {
namespace {

using checkpoint::NameRow;
using enum checkpoint::RowKind;

constexpr NameRow kTopRows[] = {
    {kTop, kPatch, "vace_patch_embedding", kLinearF32, "[dim, vace_channels, 1, 2, 2]"},
};
constexpr NameRow kFirstRows[] = {{kBlock, kOut, "before_proj", kLinear, "[dim, dim]"}};
constexpr NameRow kEveryRows[] = {{kBlock, kOut, "after_proj", kLinear, "[dim, dim]"}};

}  // namespace

std::vector<checkpoint::NameUnit> vace_name_units(const Config& config) {
  const int64_t stride = config.layers >= 40 ? 5 : 2;
  std::vector<checkpoint::NameUnit> units{{.prefix = "", .rows = kTopRows}};
  for (int index = 0; index * stride < config.layers; ++index) {
    const std::string prefix = "vace_blocks." + std::to_string(index) + '.';
    if (index == 0) units.push_back({.prefix = prefix, .rows = kFirstRows, .block = index});
    units.push_back({.prefix = prefix, .rows = block_unit(index).rows, .block = index});
    units.push_back({.prefix = prefix, .rows = kEveryRows, .block = index});
  }
  return units;
}

checkpoint::Dims vace_dims(const Config& config) {
  checkpoint::Dims dims = dims_of(config);
  // Inactive and reactive latents, and the mask of 8 x 8 pixels.
  dims["vace_channels"] = 2 * config.channels + 64;
  return dims;
}

}  // namespace reel::wan_dit
