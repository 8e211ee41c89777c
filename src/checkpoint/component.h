// SPDX-License-Identifier: Apache-2.0
// From the files of a candidate to a network under our names, with every scale beside its weight.
#pragma once

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

// Throws kBadFile when two files hold the same tensor, when they are of different precisions, or
// when a scale does not fit its weight; kUnsupported for a quantisation that is not read here.
Component build_component(const Candidate& candidate);

// "fp8", "int8", "bf16", "q4_k", ...: the number format of most bytes among matrices.
std::string precision_of(const Candidate& candidate);

}  // namespace reel::checkpoint
