// SPDX-License-Identifier: Apache-2.0
// What a GPU can do at most, by programs that do nothing else; and data to measure with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace reel::bench {

enum class Mma { kS8, kF16, kF16F16, kBF16 };
const char* mma_name(Mma mma);

// Operations a second of mma.sync on registers alone, all multiprocessors busy.
double mma_rate(Mma mma);

// Bytes read and written a second by the driver's copy within the GPU's memory.
double copy_rate();

// Random numbers on the GPU: i8 in -127..127, f8_e4m3 without NaN, floats in [-1, 1).
void fill_random(void* to, DType dtype, int64_t elements, uint32_t seed);

}  // namespace reel::bench
