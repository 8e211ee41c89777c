// SPDX-License-Identifier: Apache-2.0
// The CUDA backend's entry for every op.
#pragma once

#include "ops/kernels.h"

namespace reel::cuda {

const ops::Kernels& kernel_table();

}  // namespace reel::cuda
