// SPDX-License-Identifier: Apache-2.0
// Turns rows of ggml's block formats into floats and back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace reel {

// `elements` is a multiple of block_elements(dtype); for block formats only.
// Numerics: exact, see core/numerics/ggml_blocks.h.
void dequantise_blocks(DType dtype, const std::byte* from, int64_t elements, float* out);

// Scales come from the extremes of a block, without a search: for made-up weights and tests.
void quantise_blocks(DType dtype, const float* from, int64_t elements, std::byte* out);

}  // namespace reel
