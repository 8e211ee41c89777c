// SPDX-License-Identifier: Apache-2.0
// One forward of the DiT against diffusers and the original arithmetic with all 512 rows of text.
#include <gtest/gtest.h>

#include <tuple>

#include "golden/stage_runs.h"
#include "support/tolerance.h"

namespace reel::test {
namespace {

class DitGolden : public testing::TestWithParam<std::tuple<std::string, DType>> {};

TEST_P(DitGolden, VelocityEqualsTheReference) {
  const auto& [name, compute] = GetParam();
  REEL_SKIP_WITHOUT(compute);
  const GoldenCase golden = read_golden("dit_" + name);

  StageRuns runs(golden, compute);
  const Tensor velocity = read_tensor(runs.denoise(golden.path, golden.path), "velocity");

  expect_near("velocity", velocity, golden.tensor("velocity"), tolerance::golden_velocity(compute));
}

INSTANTIATE_TEST_SUITE_P(Cases, DitGolden,
                         testing::Combine(testing::Values("one_frame", "13_by_7", "three_frames",
                                                          "one_text_token", "512_text_tokens",
                                                          "3_heads", "4_heads"),
                                          testing::Values(DType::kF32, DType::kBF16)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" +
                                  precision_name(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace reel::test
