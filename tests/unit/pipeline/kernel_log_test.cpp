// SPDX-License-Identifier: Apache-2.0
#include "pipeline/kernel_log.h"

#include <gtest/gtest.h>

namespace reel::pipeline {
namespace {

TEST(KernelLog, SumsUpByFamilyKernelAndDtype) {
  KernelLog log;
  log.end(0, {.op = "conv", .kernel = "c", .dtype = DType::kF16, .flops = 5}, {});
  log.end(0, {.op = "linear", .kernel = "slow", .dtype = DType::kF32, .flops = 10}, {});
  log.end(0, {.op = "linear", .kernel = "fast", .dtype = DType::kBF16, .flops = 90}, {});
  log.end(0, {.op = "linear", .kernel = "fast", .dtype = DType::kBF16, .flops = 10}, {});
  log.end(0, {.op = "int8_attention", .kernel = "a", .dtype = DType::kI8, .flops = 1}, {});
  log.end(0, {.op = "layer_norm", .kernel = "n", .dtype = DType::kF32}, {});

  const std::vector<KernelUse> uses = log.uses();

  ASSERT_EQ(uses.size(), 4u);
  EXPECT_EQ(uses[0].family, "products");
  EXPECT_EQ(uses[0].kernel, "fast");
  EXPECT_EQ(uses[0].dtype, "bf16");
  EXPECT_EQ(uses[0].calls, 2);
  EXPECT_EQ(uses[0].flops, 100);
  EXPECT_EQ(uses[1].kernel, "slow");
  EXPECT_EQ(uses[2].family, "attention");
  EXPECT_EQ(uses[3].family, "convolutions");
}

}  // namespace
}  // namespace reel::pipeline
