// SPDX-License-Identifier: Apache-2.0
// What LoRAs add, on the CPU, against the reference: f32 sums in the same order.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "core/numerics/small_floats.h"
#include "cuda_host/machine.h"
#include "support/delta_problem.h"
#include "support/expect_error.h"
#include "support/tolerance.h"

namespace reel::cuda {
namespace {

using cuda_host::input_seed;
using test::DeltaCase;
using test::run_add_delta;

void expect_the_reference(const DeltaCase& which) {
  SCOPED_TRACE(testing::Message() << which);
  const uint64_t seed = input_seed();
  const Tensor want = run_add_delta(which, seed, cpu::reference::add_delta);
  EXPECT_LE(test::relative_error(run_add_delta(which, seed, add_delta), want),
            test::tolerance::kernel(DType::kF32));
}

TEST(CudaAddDelta, AddsProductsOfEveryDtype) {
  for (const DType up : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const DType down : {DType::kF32, DType::kF16, DType::kBF16}) {
      expect_the_reference({.rows = 5, .width = 70, .rank = 4, .up = up, .down = down});
    }
  }
}

TEST(CudaAddDelta, TakesRowsWidthsAndRanksThatNoTileDivides) {
  for (const int64_t rank : {1, 15, 16, 17, 33}) {
    expect_the_reference({.rows = 3, .width = 63, .rank = rank});
    expect_the_reference({.rows = 65, .width = 66, .rank = rank});
  }
  expect_the_reference({.rows = 64, .width = 64, .rank = 64});
  expect_the_reference({.rows = 1, .width = 1, .rank = 1});
}

TEST(CudaAddDelta, AddsFullDeltasOfEveryDtype) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    expect_the_reference({.rows = 1, .width = 1, .rank = 0, .up = dtype});
    expect_the_reference({.rows = 3, .width = 171, .rank = 0, .up = dtype});
  }
}

// Whichever tile it is in: how many rows are changed at once does not show.
TEST(CudaAddDelta, MakesARowFromThatRowAlone) {
  constexpr int64_t kRank = 20, kWidth = 70, kRows = 66;
  const uint64_t seed = input_seed();
  const Tensor up = test::random_tensor({kRows, kRank}, DType::kBF16, seed);
  const Tensor down = test::random_tensor({kRank, kWidth}, DType::kBF16, seed + 1);
  const auto change = [&](const Tensor& x, int64_t first, int64_t rows) {
    add_delta({.x = x.view().as<float>() + first * kWidth,
               .up = up.view().as<BF16>() + first * kRank,
               .up_dtype = DType::kBF16,
               .down = down.view().data,
               .down_dtype = DType::kBF16,
               .rank = kRank,
               .rows = rows,
               .width = kWidth,
               .factor = 1.5f},
              {});
  };
  const Tensor at_once = test::random_tensor({kRows, kWidth}, DType::kF32, seed + 2);
  const Tensor in_parts = test::copy_of(at_once);

  change(at_once, 0, kRows);
  change(in_parts, 0, 3);
  change(in_parts, 3, kRows - 3);

  EXPECT_EQ(std::memcmp(at_once.bytes().data(), in_parts.bytes().data(), at_once.bytes().size()),
            0);
}

TEST(CudaAddDelta, NamesADtypeItDoesNotKnow) {
  const ops::AddDeltaArgs args{
      .x = nullptr, .up = nullptr, .up_dtype = DType::kI8, .rows = 1, .width = 1};

  EXPECT_REEL_ERROR(add_delta(args, {}), kUnsupported, "i8");
}

}  // namespace
}  // namespace reel::cuda
