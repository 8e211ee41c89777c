// SPDX-License-Identifier: Apache-2.0
// The fast CPU kernels and the reference kernels side by side, in the dtypes that this CPU
// computes.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/cpu/backend.h"
#include "core/arena.h"
#include "ops/context.h"

namespace reel::ops {

struct CpuKernels {
  Arena arena{"test"};
  StopFlag stop;
  Context fast{.kernels = cpu::kernels(), .arena = arena, .stop = stop};
  Context truth{.kernels = cpu::reference_kernels(), .arena = arena, .stop = stop};
};

class CpuParity : public testing::TestWithParam<DType>, protected CpuKernels {};

inline std::vector<DType> supported_dtypes() {
  std::vector<DType> dtypes{DType::kF32};
  if (cpu::supports_compute(DType::kBF16)) dtypes.push_back(DType::kBF16);
  return dtypes;
}

inline std::string dtype_of(const testing::TestParamInfo<DType>& test) {
  return dtype_name(test.param);
}

}  // namespace reel::ops
