// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>

#include "cuda_host/machine.h"
#include "parity/cuda_conv_cases.h"

namespace reel::cuda {
namespace {

using cuda_host::input_seed;
using Residual = ConvCase::Residual;

void expect_conv(const ConvCase& c) { expect_conv_like_reference(host_memory(), c, input_seed()); }

ConvShape shape_of(int64_t in, int64_t out, int64_t taps, int64_t rows, int64_t cols) {
  return {.in_channels = in,
          .out_channels = out,
          .taps = taps,
          .kernel_rows = rows,
          .kernel_cols = cols};
}

class CudaConv : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Operands, CudaConv,
                         testing::Values(DType::kF32, DType::kF16, DType::kBF16),
                         [](const auto& test) { return dtype_name(test.param); });

// A pixel, less than a tile, more than a tile in both directions: every border is inside a tile
// somewhere.
TEST_P(CudaConv, EqualsTheReferenceAtOddSizes) {
  for (const auto& [rows, cols] : {std::pair{1, 1}, {7, 13}, {5, 3}, {18, 17}}) {
    expect_conv({rows, cols, shape_of(16, 16, 1, 3, 3), GetParam()});
  }
}

TEST_P(CudaConv, TakesEveryKernelExtent) {
  for (const auto& [taps, extent] : {std::pair{1, 1}, {1, 3}, {2, 3}, {3, 1}, {3, 3}}) {
    expect_conv({5, 6, shape_of(40, 24, taps, extent, extent), GetParam()});
  }
}

// Whole and partial tiles and slices; channels that are no multiple of 8, 4 or 2.
TEST_P(CudaConv, TakesAnyNumberOfChannels) {
  for (const auto& [in, out] : {std::pair{3, 16}, {16, 3}, {96, 96}, {40, 40}, {13, 130}, {1, 1}}) {
    expect_conv({3, 5, shape_of(in, out, 1, 3, 3), GetParam()});
  }
}

TEST_P(CudaConv, SeesMissingFramesAsZeros) {
  for (const auto& present : {std::array{false, false, true}, std::array{false, true, true},
                              std::array{true, false, true}, std::array{true, true, false},
                              std::array{false, false, false}}) {
    expect_conv({4, 5, shape_of(40, 16, 3, 3, 3), GetParam(), DType::kF32, present});
  }
}

TEST_P(CudaConv, AddsAResidualThatMayBeItsOutput) {
  for (const Residual residual : {Residual::kNone, Residual::kOther, Residual::kOut}) {
    for (const DType out_dtype : {DType::kF32, GetParam()}) {
      for (const int64_t out : {int64_t{6}, int64_t{48}}) {
        expect_conv({.rows = 3,
                     .cols = 18,
                     .shape = shape_of(8, out, 1, 3, 3),
                     .dtype = GetParam(),
                     .out_dtype = out_dtype,
                     .bias = residual == Residual::kOther,
                     .residual = residual});
      }
    }
  }
}

// The sums are of both signs, and the residual decides over some.
TEST_P(CudaConv, CutsNegativeSumsOff) {
  for (const Residual residual : {Residual::kNone, Residual::kOut}) {
    for (const DType out_dtype : {DType::kF32, GetParam()}) {
      expect_conv({.rows = 3,
                   .cols = 18,
                   .shape = shape_of(8, 22, 1, 3, 3),
                   .dtype = GetParam(),
                   .out_dtype = out_dtype,
                   .residual = residual,
                   .relu = true});
    }
  }
}

TEST_P(CudaConv, TakesWeightsOverFramesPutTogether) {
  for (const auto& [taps, in] : {std::pair{2, 40}, {2, 3}, {3, 16}}) {
    expect_conv({.rows = 4,
                 .cols = 5,
                 .shape = shape_of(in, 17, taps, 3, 3),
                 .dtype = GetParam(),
                 .newest_first = true});
  }
}

TEST_P(CudaConv, ComputesOnlyTheRowsItIsAskedFor) {
  expect_conv({.rows = 30,
               .cols = 4,
               .shape = shape_of(8, 16, 1, 3, 3),
               .dtype = GetParam(),
               .row_begin = 3,
               .row_end = 21});
}

TEST(CudaConvStrips, GiveTheSameBytesAsTheWhole) {
  const ConvShape shape = shape_of(40, 96, 1, 3, 3);
  const Tensor weight = test::random_tensor({96, 40, 1, 3, 3}, DType::kF32, input_seed());
  const PackedConv packed(host_memory(), weight, shape, DType::kF16);
  const Tensor frame = test::random_tensor({11, 9, 40}, DType::kF16, input_seed());
  const auto rows_computed = [&](const Tensor& out, int64_t begin, int64_t end) {
    const void* x = frame.view().data;
    conv({.frames = {x},
          .out = out.view().data,
          .residual = nullptr,
          .weight = {.data = packed.device(), .dtype = DType::kF16, .shape = shape},
          .bias = nullptr,
          .dtype = DType::kF16,
          .out_dtype = DType::kF32,
          .rows = 11,
          .cols = 9,
          .row_begin = begin,
          .row_end = end},
         {});
  };
  const Tensor whole = test::poisoned_tensor({11, 9, 96}, DType::kF32);
  const Tensor strips = test::poisoned_tensor({11, 9, 96}, DType::kF32);

  rows_computed(whole, 0, 11);
  rows_computed(strips, 0, 5);
  rows_computed(strips, 5, 6);
  rows_computed(strips, 6, 11);

  EXPECT_EQ(std::memcmp(whole.bytes().data(), strips.bytes().data(), whole.bytes().size()), 0);
}

TEST(CudaConvStrips, OfNoRowsDoNothing) {
  conv({.frames = {},
        .out = nullptr,
        .residual = nullptr,
        .weight = {.data = nullptr, .dtype = DType::kF16, .shape = shape_of(8, 8, 1, 1, 1)},
        .bias = nullptr,
        .dtype = DType::kF16,
        .out_dtype = DType::kF16,
        .rows = 4,
        .cols = 4,
        .row_begin = 2,
        .row_end = 2},
       {});
}

}  // namespace
}  // namespace reel::cuda
