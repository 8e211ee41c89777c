// SPDX-License-Identifier: Apache-2.0
// Atomics on the CPU: one thread runs at a time.
#pragma once

#include <cstdint>

#include "cuda_host/machine.h"

namespace reel::cuda::device {

using cuda_host::Site;

inline int32_t atomic_max(int32_t* at, int32_t value, Site site = Site::here()) {
  return cuda_host::atomic_max(at, value, site);
}
inline int32_t atomic_add(int32_t* at, int32_t value, Site site = Site::here()) {
  return cuda_host::atomic_add(at, value, site);
}
inline void atomic_max_positive(float* at, float value, Site site = Site::here()) {
  cuda_host::atomic_max_positive(at, value, site);
}

}  // namespace reel::cuda::device
