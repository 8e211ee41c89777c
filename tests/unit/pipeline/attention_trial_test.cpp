// SPDX-License-Identifier: Apache-2.0
#include "pipeline/attention_trial.h"

#include <gtest/gtest.h>

#include <vector>

#include "backends/cpu/backend.h"
#include "core/numerics/small_floats.h"

namespace reel::pipeline {
namespace {

double error_with(const ops::Kernels& kernels) {
  Arena arena("test");
  const StopFlag stop;
  return fp8_values_error(
      {.kernels = kernels, .arena = arena, .stop = stop, .compute = DType::kBF16});
}

TEST(AttentionTrial, FindsRoundingsToThreeBitsOfMantissa) {
  const double error = error_with(cpu::reference_kernels());

  EXPECT_GT(error, 5e-3);
  EXPECT_LT(error, kMostFp8ValuesError / 1.5);
}

TEST(AttentionTrial, FindsAKernelThatForgetsAScale) {
  ops::Kernels kernels = cpu::reference_kernels();
  const auto right = kernels.int8_attention;
  kernels.int8_attention = [right](const ops::Int8AttentionArgs& args, Stream stream) {
    std::vector<float> ones(static_cast<size_t>(args.heads * ops::kInt8HeadDim), 1.0f);
    ops::Int8AttentionArgs wrong = args;
    if (args.v_e4m3 != nullptr) wrong.v_scales = ones.data();
    right(wrong, stream);
  };

  EXPECT_GT(error_with(kernels), kMostFp8ValuesError);
}

// One accumulator of 128 that is off in every row is 1 / 11 of the 2-norm.
TEST(AttentionTrial, FindsOneChannelThatIsNotWritten) {
  ops::Kernels kernels = cpu::reference_kernels();
  const auto right = kernels.int8_attention;
  kernels.int8_attention = [right](const ops::Int8AttentionArgs& args, Stream stream) {
    right(args, stream);
    if (args.v_e4m3 == nullptr) return;
    auto* const out = static_cast<uint16_t*>(args.out);
    for (int64_t row = 0; row < args.queries * args.heads; ++row) {
      out[row * ops::kInt8HeadDim + 5] = numerics::float_to_bf16(1.0f);
    }
  };

  EXPECT_GT(error_with(kernels), kMostFp8ValuesError);
}

}  // namespace
}  // namespace reel::pipeline
