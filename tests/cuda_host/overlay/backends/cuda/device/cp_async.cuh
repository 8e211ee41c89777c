// SPDX-License-Identifier: Apache-2.0
// cp.async on the CPU: the bytes are poison until the wait for their group.
#pragma once

#include "cuda_host/machine.h"

namespace reel::cuda::device {

using cuda_host::Site;

inline void cp_async_16(void* shared, const void* global, bool valid = true,
                        Site site = Site::here()) {
  cuda_host::cp_async_16(shared, global, valid, site);
}
inline void cp_async_commit() { cuda_host::cp_async_commit(); }
template <int kPending>
inline void cp_async_wait(Site site = Site::here()) {
  cuda_host::cp_async_wait(kPending, site);
}

}  // namespace reel::cuda::device
