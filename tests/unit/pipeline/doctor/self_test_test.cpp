// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/backend.h"
#include "support/fake_gpu.h"

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

// A GPU with the CPU's kernels, as which it has or has not FP8 tensor cores.
std::vector<std::string> ops_checked(bool (*takes_e4m3_values)()) {
  const StopFlag stop{};
  ops::Kernels kernels = cpu::reference_kernels();
  kernels.takes_e4m3_values = takes_e4m3_values;
  Runtime runtime({}, stop, std::make_unique<test::FakeGpu>(uint64_t{1} << 30, kernels));
  std::vector<std::string> ops;
  for (const KernelCheck& check : check_kernels(runtime)) {
    EXPECT_TRUE(check.passes()) << check.op << ' ' << check.shape << ": " << check.error;
    ops.push_back(check.op);
  }
  return ops;
}

TEST(SelfTestOnAGpu, TriesFp8ValuesWhereTheCardHasThem) {
  const auto fp8 = testing::Contains("attention in 8 bits, FP8 values");
  EXPECT_THAT(ops_checked([] { return true; }), fp8);
  EXPECT_THAT(ops_checked([] { return false; }), testing::Not(fp8));
}

TEST(KernelCheck, FailsAboveItsAllowanceAndForNan) {
  EXPECT_TRUE((KernelCheck{.op = "", .shape = "", .error = 1e-3, .allowed = 1e-3}.passes()));
  EXPECT_FALSE((KernelCheck{.op = "", .shape = "", .error = 2e-3, .allowed = 1e-3}.passes()));
  EXPECT_FALSE((KernelCheck{.op = "", .shape = "", .error = NAN, .allowed = 1e-3}.passes()));
}

}  // namespace
}  // namespace reel::pipeline
