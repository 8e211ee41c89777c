// SPDX-License-Identifier: Apache-2.0
// The text encoder against transformers and the original arithmetic.
#include <gtest/gtest.h>

#include <tuple>

#include "golden/stage_runs.h"
#include "support/tolerance.h"

namespace reel::test {
namespace {

class TextEncoderGolden : public testing::TestWithParam<std::tuple<std::string, DType>> {};

TEST_P(TextEncoderGolden, StatesEqualTheReference) {
  const auto& [name, compute] = GetParam();
  REEL_SKIP_WITHOUT(compute);
  const GoldenCase golden = read_golden("text_" + name);
  const TensorView want = golden.tensor("text_states");

  StageRuns runs(golden, compute);
  const Tensor states = read_tensor(runs.encode_text(), "text_states");

  expect_near("text_states", states.view().slice(0, want.rows()), want,
              tolerance::golden_text_states(compute));
  for (int64_t at = want.elements(); at < states.shape().elements(); ++at) {
    ASSERT_EQ(states.view().as<float>()[at], 0) << "the rows of padding are zeros";
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TextEncoderGolden,
                         testing::Combine(testing::Values("1_tokens", "7_tokens", "77_tokens",
                                                          "512_tokens", "5_heads"),
                                          testing::Values(DType::kF32, DType::kBF16)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" +
                                  precision_name(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace reel::test
