// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/self_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace reel::pipeline {
namespace {

ModelOptions on_cpu(const char* precision) {
  ModelOptions options;
  options.device = "cpu";
  options.precision = precision;
  return options;
}

class SelfTest : public testing::TestWithParam<const char*> {};

TEST_P(SelfTest, PassesOnThisMachine) {
  const StopFlag stop{};
  Runtime runtime(on_cpu(GetParam()), stop);

  const std::vector<KernelCheck> checks = check_kernels(runtime);

  EXPECT_GE(checks.size(), 9u);
  for (const KernelCheck& check : checks) {
    EXPECT_TRUE(check.passes()) << check.op << ' ' << check.shape << ": " << check.error;
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, SelfTest, testing::Values("f32", "auto", "int8"));

TEST(KernelCheck, FailsAboveItsAllowanceAndForNan) {
  EXPECT_TRUE((KernelCheck{.op = "", .shape = "", .error = 1e-3, .allowed = 1e-3}.passes()));
  EXPECT_FALSE((KernelCheck{.op = "", .shape = "", .error = 2e-3, .allowed = 1e-3}.passes()));
  EXPECT_FALSE((KernelCheck{.op = "", .shape = "", .error = NAN, .allowed = 1e-3}.passes()));
}

}  // namespace
}  // namespace reel::pipeline
