// SPDX-License-Identifier: Apache-2.0
// Where a number is computed makes no difference on the CPU.
#pragma once

namespace reel::cuda::device {

template <int kCount>
inline void compute_here(float (&)[kCount]) {}

}  // namespace reel::cuda::device
