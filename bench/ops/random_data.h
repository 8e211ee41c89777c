// SPDX-License-Identifier: Apache-2.0
// Data to measure with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace reel::bench {

// Random numbers on the GPU: i8 in -127..127, f8_e4m3 without NaN, floats in [-1, 1).
void fill_random(void* to, DType dtype, int64_t elements, uint32_t seed);

}  // namespace reel::bench
