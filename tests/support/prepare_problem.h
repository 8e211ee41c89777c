// SPDX-License-Identifier: Apache-2.0
// Random stored weights, prepared by any kernel in any memory.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "core/buffer.h"
#include "ops/kernels.h"

namespace reel::test {

struct PrepareCase {
  int64_t rows, width;
  DType from;
  DType to = DType::kI8;
  int64_t scales = 0;  // 0, 1 or rows
  DType scale = DType::kF32;
  bool in_place = false;
  bool edges = false;         // the first row is zero; scales are -1.5, 0 and 1 by turns
  bool scales_apart = false;  // to_scale is given: behind the place where scales lie otherwise
};
std::ostream& operator<<(std::ostream& out, const PrepareCase& which);

// Every dtype that weights are stored in.
std::vector<DType> stored_dtypes();

using PrepareKernel = void (*)(const ops::PrepareRowsArgs&, Stream);

// All bytes of the prepared matrix, those between numbers and scales zero. The same inputs for the
// same case and seed.
std::vector<uint8_t> run_prepare(const PrepareCase& which, uint64_t seed, PrepareKernel kernel,
                                 MemorySpace& space = host_memory());

// `kernel` in `space` beside the reference: the same bytes, but where 16 bits or fewer are rotated,
// by any means. Then each number is the nearest to the exact one, and a small part of a step.
void expect_prepared_like(const PrepareCase& which, uint64_t seed, PrepareKernel reference,
                          PrepareKernel kernel, MemorySpace& space = host_memory());

}  // namespace reel::test
