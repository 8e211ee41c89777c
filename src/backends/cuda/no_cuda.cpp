// SPDX-License-Identifier: Apache-2.0
// What a build without CUDA says.
#include "backends/cuda/gpu.h"
#include "base/error.h"

namespace reel::cuda {

Versions versions() { return {}; }
bool is_built() { return false; }
std::vector<GpuFacts> list_gpus() { return {}; }

std::unique_ptr<Gpu> open_gpu(int) {
  fail(ErrorCode::kUnsupported, "This build of Reel has no CUDA kernels.",
       "Use --device cpu, or build Reel where nvcc is found.");
}

}  // namespace reel::cuda
