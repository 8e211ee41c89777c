// SPDX-License-Identifier: Apache-2.0
// Rows that LoRAs change some at a time are those that are changed one at a time.
#include "prepare/row_steps.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/backend.h"
#include "core/int8_layout.h"
#include "core/packed_weights.h"
#include "memory/device_weights.h"
#include "support/random_tensor.h"

namespace reel::prepare {
namespace {

constexpr int64_t kWidth = 65536;  // of which 64 rows are changed at a time
constexpr int64_t kRows = 130;
constexpr int64_t kRank = 2;

// The places of one step, in a slot and a staging area of their own.
struct Problem {
  Tensor slot{DType::kU8, {kRows * kWidth * 4 + 4096}, "slot"};
  Tensor staging{DType::kU8, {0}, "staging"};
  RowsStep step;
};

// `first` and `rows` of the whole problem; in place where it is stored in one byte.
Problem problem(DType from, DType to, int64_t first, int64_t rows) {
  const Tensor stored = from == DType::kF32
                            ? test::random_tensor({kRows, kWidth}, DType::kF32, 1)
                            : test::random_tensor({kRows, kWidth / 2}, DType::kBF16, 1, 1, 1.9f);
  const Tensor up = test::random_tensor({kRows, kRank}, DType::kBF16, 2);
  const Tensor down = test::random_tensor({kRank, kWidth}, DType::kF32, 3);
  const Tensor full = test::random_tensor({kRows, kWidth}, DType::kF16, 4);
  const Tensor scale = test::random_tensor({kRows}, DType::kF32, 5, 0.5f, 2);
  Problem made;
  RowsStep& step = made.step;
  const bool in_place = from == DType::kF8E4M3;
  uint64_t staging_bytes = 0;
  std::vector<std::byte> staged;
  const auto stage = [&](const Tensor& tensor, int64_t skip_bytes, int64_t bytes) {
    const auto* const data = static_cast<const std::byte*>(tensor.view().data) + skip_bytes;
    staged.insert(staged.end(), data, data + bytes);
    staged.resize((staged.size() + 63) / 64 * 64);
    const uint64_t at = staging_bytes;
    staging_bytes = staged.size();
    return Place{.bytes = at, .in_staging = true};
  };
  const int64_t row_bytes = storage_bytes(from, kWidth);
  if (in_place) {
    std::memcpy(made.slot.view().data,
                static_cast<const std::byte*>(stored.view().data) + first * row_bytes,
                static_cast<size_t>(rows * row_bytes));
  } else {
    step.from = stage(stored, first * row_bytes, rows * row_bytes);
  }
  step.scale = stage(scale, first * 4, rows * 4);
  step.from_dtype = from;
  step.to_dtype = to;
  step.scale_dtype = DType::kF32;
  step.scale_count = rows == 1 ? 1 : rows;
  step.rows = rows;
  step.width = kWidth;
  step.deltas = {{.up = stage(up, first * kRank * 2, rows * kRank * 2),
                  .down = stage(down, 0, kRank * kWidth * 4),
                  .up_dtype = DType::kBF16,
                  .down_dtype = DType::kF32,
                  .rank = kRank,
                  .factor = 0.5f},
                 {.up = stage(full, first * kWidth * 2, rows * kWidth * 2),
                  .down = {},
                  .up_dtype = DType::kF16,
                  .factor = -2}};
  step.changed = {.bytes = staging_bytes, .in_staging = true};
  const int64_t changed = memory::changed_rows(rows, kWidth) * kWidth * 4;
  made.staging = test::poisoned_tensor({static_cast<int64_t>(staging_bytes) + changed}, DType::kU8);
  std::memcpy(made.staging.view().data, staged.data(), staged.size());
  return made;
}

void launch(Problem& made) {
  launch_rows(made.step, cpu::reference_kernels(), made.slot.view().as<std::byte>(),
              made.staging.view().as<std::byte>(), {});
}

class RowSteps : public testing::TestWithParam<std::pair<DType, DType>> {};

TEST_P(RowSteps, DoNotDependOnHowManyRowsAreChangedAtOnce) {
  const auto [from, to] = GetParam();
  ASSERT_EQ(memory::changed_rows(kRows, kWidth), 64);
  Problem whole = problem(from, to, 0, kRows);
  launch(whole);
  const std::byte* const got = whole.slot.view().as<std::byte>();
  const int64_t row_bytes = storage_bytes(to, kWidth);

  for (const int64_t row : {0, 63, 64, 127, 128, 129}) {
    Problem alone = problem(from, to, row, 1);
    launch(alone);
    const std::byte* const want = alone.slot.view().as<std::byte>();

    EXPECT_EQ(std::memcmp(got + row * row_bytes, want, static_cast<size_t>(row_bytes)), 0) << row;
    if (!has_row_scales(to)) continue;
    EXPECT_EQ(row_scales(got, kRows * kWidth)[row], row_scales(want, kWidth)[0]) << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RowSteps,
                         testing::Values(std::pair(DType::kF8E4M3, DType::kI8),
                                         std::pair(DType::kF8E4M3, DType::kF8E4M3),
                                         std::pair(DType::kF32, DType::kBF16),
                                         std::pair(DType::kF32, DType::kF32)),
                         [](const auto& test) {
                           return std::string(dtype_name(test.param.first)) + "_to_" +
                                  dtype_name(test.param.second);
                         });

}  // namespace
}  // namespace reel::prepare
