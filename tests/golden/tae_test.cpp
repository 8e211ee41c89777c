// SPDX-License-Identifier: Apache-2.0
// A TAE's decoder against the published arithmetic.
#include <gtest/gtest.h>

#include <tuple>

#include "golden/stage_runs.h"

namespace reel::test {
namespace {

class TaeGolden : public testing::TestWithParam<std::tuple<std::string, DType>> {};

TEST_P(TaeGolden, FramesEqualTheReference) {
  const auto& [name, compute] = GetParam();
  REEL_SKIP_WITHOUT(compute);
  const GoldenCase golden = read_golden("tae_" + name);

  StageRuns runs(golden, compute);
  const Tensor frames = read_tensor(runs.decode(golden.path), "frames");

  expect_frames_near(frames, golden.tensor("frames"), compute);
}

INSTANTIATE_TEST_SUITE_P(Cases, TaeGolden,
                         testing::Combine(testing::Values("one_pixel", "one_frame", "two_frames",
                                                          "four_frames", "light"),
                                          testing::Values(DType::kF32, DType::kBF16)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" +
                                  precision_name(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace reel::test
