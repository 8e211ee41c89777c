// SPDX-License-Identifier: Apache-2.0
// Preparing weights on the CPU beside the reference, for every stored dtype.
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"
#include "cuda_host/machine.h"
#include "support/expect_error.h"
#include "support/prepare_problem.h"

namespace reel::cuda {

// So that a block takes several rows.
int processor_count() { return 1; }
int64_t blocks_that_share(size_t) { return 1; }

namespace {

using cuda_host::input_seed;
using test::PrepareCase;
using test::run_prepare;

void expect_prepared_as_reference(const PrepareCase& which) {
  SCOPED_TRACE(testing::Message() << which);
  test::expect_prepared_like(which, input_seed(), cpu::reference::prepare_rows, prepare_rows);
}

TEST(CudaPrepareRows, RotatesEveryStoredDtype) {
  for (const DType from : test::stored_dtypes()) {
    expect_prepared_as_reference({.rows = 3, .width = 256, .from = from});
    expect_prepared_as_reference({.rows = 2, .width = 5120, .from = from, .scales = 2});
  }
}

TEST(CudaPrepareRows, RoundsEveryStoredDtypeToFp8AndKeepsWhatIsFp8) {
  for (const DType from : test::stored_dtypes()) {
    for (const int64_t scales : {0, 1, 3}) {
      expect_prepared_as_reference(
          {.rows = 3, .width = 1280, .from = from, .to = DType::kF8E4M3, .scales = scales});
    }
  }
  expect_prepared_as_reference(
      {.rows = 5, .width = 48, .from = DType::kBF16, .to = DType::kF8E4M3});
}

TEST(CudaPrepareRows, WidensEveryStoredDtype) {
  for (const DType from : test::stored_dtypes()) {
    for (const DType to : {DType::kF32, DType::kBF16, DType::kF16}) {
      expect_prepared_as_reference({.rows = 5, .width = 512, .from = from, .to = to});
    }
  }
}

// A row's bytes are no multiple of the 16 that are copied at once.
TEST(CudaPrepareRows, TakesRowsOfBlocksThatStartAnywhere) {
  for (const DType from : test::stored_dtypes()) {
    if (!is_block_format(from)) continue;
    const int64_t width = std::max<int64_t>(128, block_elements(from));
    expect_prepared_as_reference({.rows = 9, .width = width, .from = from});
    expect_prepared_as_reference({.rows = 9, .width = 5 * width, .from = from, .scales = 9});
    expect_prepared_as_reference(
        {.rows = 9, .width = block_elements(from), .from = from, .to = DType::kF8E4M3});
  }
}

TEST(CudaPrepareRows, MultipliesByScalesOfEveryKind) {
  for (const DType scale : {DType::kF32, DType::kBF16, DType::kF16}) {
    for (const int64_t scales : {1, 7}) {
      for (const DType to : {DType::kI8, DType::kBF16}) {
        expect_prepared_as_reference({.rows = 7,
                                      .width = 128,
                                      .from = DType::kF8E4M3,
                                      .to = to,
                                      .scales = scales,
                                      .scale = scale});
      }
    }
  }
}

TEST(CudaPrepareRows, TakesZeroRowsAndScalesOfAnySign) {
  for (const DType from : test::stored_dtypes()) {
    for (const DType to : {DType::kI8, DType::kF8E4M3}) {
      expect_prepared_as_reference(
          {.rows = 7, .width = 1280, .from = from, .to = to, .scales = 7, .edges = true});
    }
  }
}

TEST(CudaPrepareRows, WorksInPlaceOnBytes) {
  for (const DType from : {DType::kF8E4M3, DType::kF8E5M2, DType::kI8}) {
    for (const int64_t width : {128, 1152, 13824}) {
      for (const DType to : {DType::kI8, DType::kF8E4M3}) {
        expect_prepared_as_reference(
            {.rows = 3, .width = width, .from = from, .to = to, .scales = 1, .in_place = true});
      }
    }
  }
}

// As some rows of a matrix, whose scales lie behind all of it.
TEST(CudaPrepareRows, WritesScalesWhereTheyAreWanted) {
  for (const DType from : test::stored_dtypes()) {
    for (const DType to : {DType::kI8, DType::kF8E4M3}) {
      expect_prepared_as_reference(
          {.rows = 5, .width = 256, .from = from, .to = to, .scales_apart = true});
    }
  }
}

TEST(CudaPrepareRows, TakesWidthsThatNoRunDivides) {
  for (const DType from : {DType::kF32, DType::kF16, DType::kBF16, DType::kF8E4M3, DType::kI8}) {
    for (const int64_t width : {1, 3, 31, 2051}) {
      expect_prepared_as_reference({.rows = 3, .width = width, .from = from, .to = DType::kF32});
    }
  }
}

TEST(CudaPrepareRows, NamesADtypeItDoesNotKnow) {
  const ops::PrepareRowsArgs args{
      .from_dtype = DType::kI64, .rows = 1, .width = 128, .to_dtype = DType::kF32};

  EXPECT_REEL_ERROR(prepare_rows(args, {}), kUnsupported, "i64");
}

TEST(CudaPrepareRows, RefusesMoreRunsThanItCounts) {
  for (const DType to : {DType::kBF16, DType::kF8E4M3}) {  // FP8 is kept as it is
    const ops::PrepareRowsArgs args{
        .from_dtype = DType::kF8E4M3, .rows = int64_t{1} << 28, .width = 128, .to_dtype = to};

    EXPECT_REEL_ERROR(prepare_rows(args, {}), kUnsupported, "268435456 rows of 128 numbers");
  }
}

}  // namespace
}  // namespace reel::cuda
