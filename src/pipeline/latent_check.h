// SPDX-License-Identifier: Apache-2.0
// Tells latents from the rubble that damaged weights or an overflow leave.
#pragma once

#include <span>
#include <string>

#include "core/buffer.h"

namespace reel::pipeline {

bool all_finite(std::span<const float> values);

// All numbers are finite and they are not all alike.
bool latents_are_usable(const Tensor& latents);

// Throws kBadFile naming the step and `kernels`, the safer ones that it was taken again with, when
// they are not.
void require_usable(const Tensor& latents, int step_index, const std::string& kernels);
// "a flat latent", or "numbers that are not finite".
const char* what_is_wrong(const Tensor& latents);

}  // namespace reel::pipeline
