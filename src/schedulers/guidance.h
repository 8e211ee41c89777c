// SPDX-License-Identifier: Apache-2.0
// Classifier-free guidance: two answers of the network become one.
#pragma once

#include <span>

namespace reel::schedulers {

// out = unconditional + guidance * (conditional - unconditional)
//
//   all  [elements] f32   out may be either input
//
// Throws kInvalidArgument when the sizes differ. Source: Ho & Salimans 2022, arXiv:2207.12598.
void apply_guidance(std::span<const float> conditional, std::span<const float> unconditional,
                    float guidance, std::span<float> out);

}  // namespace reel::schedulers
