// SPDX-License-Identifier: Apache-2.0
// The kernels of the CUDA backend, as the entries of ops::Kernels want them. Every launcher returns
// at once; the work runs on the stream, whose handle is a cudaStream_t.
#pragma once

#include "ops/kernels.h"

namespace reel::cuda {

// elementwise.cu
void add(const ops::AddArgs& args, Stream stream);
void cast(const ops::CastArgs& args, Stream stream);

}  // namespace reel::cuda
