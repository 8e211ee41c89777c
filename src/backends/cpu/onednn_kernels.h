// SPDX-License-Identifier: Apache-2.0
// Matrix products, attention and convolutions through oneDNN.
#pragma once

#include <string>

#include "backends/cpu/backend.h"
#include "ops/kernels.h"

namespace reel::cpu {

// Replaces the entries of `table` that oneDNN computes. Primitives are made once per size and kept.
void add_onednn_kernels(ops::Kernels& table, Isa isa);

// "oneDNN 2.6.3"
std::string onednn_version();

}  // namespace reel::cpu
