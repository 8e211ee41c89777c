// SPDX-License-Identifier: Apache-2.0
// The reference against the sum written down in double.
#include <gtest/gtest.h>

#include "backends/cpu/reference_kernels.h"
#include "support/random_tensor.h"

namespace reel::cpu {
namespace {

using test::random_tensor;
using test::value_at;

constexpr int64_t kRows = 7, kWidth = 13;
constexpr double kFactor = -0.75;

class AddDelta : public testing::TestWithParam<DType> {
 protected:
  const Tensor x_ = random_tensor({kRows, kWidth}, DType::kF32, 1);
  const Tensor before_ = test::copy_of(x_);
};

TEST_P(AddDelta, AddsAProduct) {
  constexpr int64_t kRank = 5;
  const Tensor up = random_tensor({kRows, kRank}, GetParam(), 2);
  const Tensor down = random_tensor({kRank, kWidth}, GetParam(), 3);

  reference::add_delta({.x = x_.view().as<float>(),
                        .up = up.view().data,
                        .up_dtype = GetParam(),
                        .down = down.view().data,
                        .down_dtype = GetParam(),
                        .rank = kRank,
                        .rows = kRows,
                        .width = kWidth,
                        .factor = static_cast<float>(kFactor)},
                       {});

  for (int64_t at = 0; at < kRows * kWidth; ++at) {
    double sum = 0;
    for (int64_t k = 0; k < kRank; ++k) {
      sum +=
          double{value_at(up, at / kWidth * kRank + k)} * value_at(down, k * kWidth + at % kWidth);
    }
    EXPECT_NEAR(value_at(x_, at), value_at(before_, at) + kFactor * sum, 1e-6) << at;
  }
}

TEST_P(AddDelta, AddsAFullDelta) {
  const Tensor full = random_tensor({kRows, kWidth}, GetParam(), 2);

  reference::add_delta({.x = x_.view().as<float>(),
                        .up = full.view().data,
                        .up_dtype = GetParam(),
                        .down = nullptr,
                        .down_dtype = DType::kF32,
                        .rank = 0,
                        .rows = kRows,
                        .width = kWidth,
                        .factor = static_cast<float>(kFactor)},
                       {});

  for (int64_t at = 0; at < kRows * kWidth; ++at) {
    EXPECT_NEAR(value_at(x_, at), value_at(before_, at) + kFactor * value_at(full, at), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, AddDelta, testing::Values(DType::kF32, DType::kBF16, DType::kF16),
                         [](const auto& test) { return std::string(dtype_name(test.param)); });

}  // namespace
}  // namespace reel::cpu
