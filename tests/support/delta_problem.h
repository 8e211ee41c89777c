// SPDX-License-Identifier: Apache-2.0
// Random weights with something to be added, run by any kernel in any memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ostream>

#include "core/buffer.h"
#include "ops/kernels.h"
#include "support/device_tensor.h"
#include "support/random_tensor.h"

namespace reel::test {

struct DeltaCase {
  int64_t rows, width;
  int64_t rank;  // 0: a full delta
  DType up = DType::kBF16, down = DType::kBF16;
};

inline std::ostream& operator<<(std::ostream& out, const DeltaCase& which) {
  return out << '[' << which.rows << ", " << which.width << "] of rank " << which.rank << ", "
             << which.up << " and " << which.down;
}

// The changed rows. The same inputs for the same case and seed.
inline Tensor run_add_delta(const DeltaCase& which, uint64_t seed,
                            void (*kernel)(const ops::AddDeltaArgs&, Stream),
                            MemorySpace& space = host_memory()) {
  const bool is_full = which.rank == 0;
  const DeviceTensor x(space, random_tensor({which.rows, which.width}, DType::kF32, seed));
  const DeviceTensor up(
      space, random_tensor({which.rows, is_full ? which.width : which.rank}, which.up, seed + 1));
  const DeviceTensor down(
      space, random_tensor({std::max<int64_t>(1, which.rank), which.width}, which.down, seed + 2));
  kernel({.x = x.view().as<float>(),
          .up = up.data(),
          .up_dtype = which.up,
          .down = is_full ? nullptr : down.data(),
          .down_dtype = which.down,
          .rank = which.rank,
          .rows = which.rows,
          .width = which.width,
          .factor = -0.75f},
         {});
  return x.download();
}

}  // namespace reel::test
