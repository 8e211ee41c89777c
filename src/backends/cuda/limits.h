// SPDX-License-Identifier: Apache-2.0
// What a GPU can do at most, by programs that do nothing else.
#pragma once

namespace reel::cuda {

enum class Mma { kS8, kF16, kF16F16, kBF16 };
// "s8 to s32": operands and sums.
const char* mma_name(Mma mma);

// Operations a second of mma.sync on registers alone, all multiprocessors of the current GPU busy.
// Throws kDeviceFailure.
double mma_rate(Mma mma);

// Bytes read and written a second by the driver's copy within the current GPU's memory.
double copy_rate();

}  // namespace reel::cuda
