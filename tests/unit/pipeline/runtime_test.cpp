// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runtime.h"

#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

Numbers numbers_of(const char* precision, Numbers (Runtime::*which)() const) {
  const StopFlag stop;
  ModelOptions options;
  options.device = "cpu";
  options.precision = precision;
  return (Runtime(options, stop).*which)();
}

TEST(GpuIndex, IsReadFromTheName) {
  EXPECT_EQ(gpu_index("cpu"), -1);
  EXPECT_EQ(gpu_index("cuda:0"), 0);
  EXPECT_EQ(gpu_index("cuda:12"), 12);
  for (const char* name : {"tpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "CPU", ""}) {
    EXPECT_REEL_ERROR(gpu_index(name), kInvalidArgument, "auto, cpu and cuda:0 are possible");
  }
}

TEST(Runtime, OnlyTheDitHas8Bits) {
  const DType compute = cpu::preferred_compute();

  EXPECT_EQ(numbers_of("int8", &Runtime::text_numbers).precision.matrices, compute);
  EXPECT_EQ(numbers_of("int8", &Runtime::safer_numbers).precision.matrices, DType::kF32);
}

TEST(Runtime, NamesThePrecisionsOfItsDevice) {
  const StopFlag stop;
  ModelOptions options;
  options.device = "cpu";
  options.precision = "fp4";
  EXPECT_REEL_ERROR(Runtime(options, stop), kInvalidArgument,
                    "auto, f32, bf16, int8 and fp8 are possible on the CPU");
}

}  // namespace
}  // namespace reel::pipeline
