// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace reel::cuda {

// Multiprocessors of the current device: what a kernel that fills the GPU once needs to know.
int processor_count();

// Of the current device: 90 is 9.0.
int compute_capability();

}  // namespace reel::cuda
