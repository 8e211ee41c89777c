// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runtime.h"

#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "support/expect_error.h"
#include "support/fake_gpu.h"

namespace reel::pipeline {
namespace {

Numbers numbers_of(const char* precision, Numbers (Runtime::*which)() const) {
  const StopFlag stop;
  ModelOptions options;
  options.device = "cpu";
  options.precision = precision;
  return (Runtime(options, stop).*which)();
}

TEST(Runtime, OnlyTheDitHas8Bits) {
  const DType compute = cpu::preferred_compute();

  EXPECT_EQ(numbers_of("int8", &Runtime::text_numbers).precision.matrices, compute);
  EXPECT_EQ(numbers_of("int8", &Runtime::safer_numbers).precision.matrices, DType::kF32);
}

// A GPU with the CPU's kernels, of which attention takes e4m3 values or not.
std::unique_ptr<test::FakeGpu> gpu_with(bool e4m3_values) {
  ops::Kernels kernels = cpu::reference_kernels();
  kernels.takes_e4m3_values = e4m3_values ? +[] { return true; } : +[] { return false; };
  return std::make_unique<test::FakeGpu>(uint64_t{1} << 30, kernels);
}

TEST(Runtime, Fp8ValuesAreAPrecisionOfItsOwn) {
  const StopFlag stop;
  ModelOptions options;
  options.precision = "int8-fp8pv";

  Runtime runtime(options, stop, gpu_with(true));

  EXPECT_EQ(runtime.context(runtime.numbers()).attention_values, DType::kF8E4M3);
  EXPECT_STREQ(precision_name(runtime.numbers()), "int8-fp8pv");
  EXPECT_EQ(kernels_in_words(runtime.numbers()),
            "int8 products and 8-bit attention with FP8 values");
  EXPECT_EQ(runtime.safer_numbers().attention_values, DType::kF16);
  EXPECT_STREQ(precision_name(runtime.text_numbers()), "bf16");
}

TEST(Runtime, RefusesFp8ValuesWhereNoKernelTakesThem) {
  const StopFlag stop;
  ModelOptions options;
  options.precision = "int8-fp8pv";
  EXPECT_REEL_ERROR(Runtime(options, stop, gpu_with(false)), kUnsupported,
                    "needs compute capability 8.9");
  options.precision = "int8";
  EXPECT_EQ(Runtime(options, stop, gpu_with(false)).numbers().attention_values, DType::kF16);
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
