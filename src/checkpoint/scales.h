// SPDX-License-Identifier: Apache-2.0
// The scales of 8-bit weights, and the quantisations that are not read here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

// Anything beside a weight that says how it is quantised.
struct FoundScale {
  std::string module;     // our name
  std::string_view leaf;  // "weight_scale", "comfy_quant", ...
  std::shared_ptr<const formats::TensorFile> file;
  const formats::TensorEntry* entry = nullptr;
};

enum class ScaleStyle { kNone, kPerTensor, kPerRow };

// Gives every weight its scale. Scales of activations are not needed: they are left to `unread`.
//
// Throws kUnsupported for NVFP4, MXFP4, MXFP6, MXFP8 and scales per block; kBadFile when a scale
// fits none of these, and for 8-bit integers without a scale.
ScaleStyle attach_scales(const std::vector<FoundScale>& scales, Component& component);

}  // namespace reel::checkpoint
