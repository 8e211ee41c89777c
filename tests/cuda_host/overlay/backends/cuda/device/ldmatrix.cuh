// SPDX-License-Identifier: Apache-2.0
// ldmatrix on the CPU.
#pragma once

#include <cstdint>

#include "cuda_host/machine.h"

namespace reel::cuda::device {

using cuda_host::Site;

inline void ldmatrix_x4(uint32_t (&r)[4], const void* row, Site site = Site::here()) {
  cuda_host::ldmatrix({.to = r, .matrices = 4, .row = row, .transposed = false}, site);
}
inline void ldmatrix_x2(uint32_t (&r)[2], const void* row, Site site = Site::here()) {
  cuda_host::ldmatrix({.to = r, .matrices = 2, .row = row, .transposed = false}, site);
}
inline void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row, Site site = Site::here()) {
  cuda_host::ldmatrix({.to = r, .matrices = 4, .row = row, .transposed = true}, site);
}
inline void ldmatrix_x2_trans(uint32_t (&r)[2], const void* row, Site site = Site::here()) {
  cuda_host::ldmatrix({.to = r, .matrices = 2, .row = row, .transposed = true}, site);
}

}  // namespace reel::cuda::device
