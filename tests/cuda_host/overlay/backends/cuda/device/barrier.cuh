// SPDX-License-Identifier: Apache-2.0
// Barriers on the CPU.
#pragma once

#include "cuda_host/machine.h"

namespace reel::cuda::device {

using cuda_host::Site;

inline void sync_block(Site site = Site::here()) { cuda_host::sync_block(site); }
template <int kThreads>
inline void sync_part(int number, Site site = Site::here()) {
  cuda_host::sync_part(number, kThreads, site);
}
inline void sync_warp(Site site = Site::here()) { cuda_host::sync_warp(site); }

}  // namespace reel::cuda::device
