// SPDX-License-Identifier: Apache-2.0
// Convolutions on a GPU against the reference, at the decoder's sizes.
#include "parity/cuda_conv_cases.h"
#include "support/open_gpu.h"

namespace reel::cuda {
namespace {

using Residual = ConvCase::Residual;

constexpr ConvShape cube(int64_t in, int64_t out) {
  return {.in_channels = in, .out_channels = out, .taps = 3, .kernel_rows = 3, .kernel_cols = 3};
}

class CudaConvOnGpu : public test::OnGpu {
 protected:
  void expect_conv(const ConvCase& c) { expect_conv_like_reference(memory(), c, 17); }
};

TEST_F(CudaConvOnGpu, EqualsTheReferenceAtOddSizes) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const auto& [rows, cols] : {std::pair{1, 1}, {7, 13}, {5, 3}, {33, 47}}) {
      for (const auto& [in, out] : {std::pair{3, 16}, {16, 3}, {96, 96}, {40, 40}, {24, 48}}) {
        expect_conv({rows, cols, cube(in, out), dtype, dtype, {false, true, true}});
      }
    }
  }
}

TEST_F(CudaConvOnGpu, TakesEveryKernelExtent) {
  for (const auto& [taps, extent] : {std::pair{1, 1}, {1, 3}, {2, 3}, {3, 1}, {3, 3}}) {
    const ConvShape shape{.in_channels = 192,
                          .out_channels = 96,
                          .taps = taps,
                          .kernel_rows = extent,
                          .kernel_cols = extent};
    expect_conv({50, 37, shape});
  }
}

// Each stage's width. Random numbers for the large frames take longer than all else, so each frame
// is drawn and convolved once, and few of its rows are compared: both borders and one inside.
TEST_F(CudaConvOnGpu, EqualsTheReferenceAtTheDecodersSizes) {
  for (const auto& [dtype, out_dtype] : {std::pair{DType::kF16, DType::kF16},
                                         {DType::kF16, DType::kF32},
                                         {DType::kBF16, DType::kBF16}}) {
    for (const auto& [rows, cols, in, out] : {std::tuple{60, 104, 384, 384},
                                              {120, 208, 192, 384},
                                              {240, 416, 192, 192},
                                              {480, 832, 96, 96},
                                              {480, 832, 96, 3}}) {
      expect_conv({.rows = rows,
                   .cols = cols,
                   .shape = cube(in, out),
                   .dtype = dtype,
                   .out_dtype = out_dtype,
                   .residual = Residual::kOut,
                   .checked = {0, rows / 2 + 15, rows - 1}});
    }
  }
}

// What a TAE is made of: two frames put together, a residual, negative sums cut off.
TEST_F(CudaConvOnGpu, EqualsTheReferenceAtATinyDecodersSizes) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const auto& [rows, cols, channels, taps] :
         {std::tuple{60, 104, 256, 2}, {120, 208, 128, 2}, {240, 416, 64, 1}, {33, 47, 96, 2}}) {
      expect_conv({.rows = rows,
                   .cols = cols,
                   .shape = {.in_channels = channels,
                             .out_channels = channels,
                             .taps = taps,
                             .kernel_rows = 3,
                             .kernel_cols = 3},
                   .dtype = dtype,
                   .out_dtype = dtype,
                   .residual = Residual::kOther,
                   .checked = {0, rows / 2, rows - 1},
                   .relu = true,
                   .newest_first = taps > 1});
    }
  }
}

// The tiles are chosen by the number of rows asked for.
TEST_F(CudaConvOnGpu, GivesTheSameBytesInStrips) {
  const ConvShape shape = cube(96, 96);
  const Tensor weight = test::random_tensor({96, 96, 3, 3, 3}, DType::kF32, 1);
  const PackedConv packed(memory(), weight, shape, DType::kF16);
  const Shape size{480, 832, 96};
  const test::DeviceTensor frame(memory(), test::random_tensor(size, DType::kF16, 2));
  const test::DeviceTensor whole(memory(), test::poisoned_tensor(size, DType::kF16));
  const test::DeviceTensor strips(memory(), test::poisoned_tensor(size, DType::kF16));
  const auto compute = [&](const test::DeviceTensor& out, int64_t begin, int64_t end) {
    conv({.frames = {frame.data(), frame.data(), frame.data()},
          .out = out.data(),
          .residual = nullptr,
          .weight = {.data = packed.device(), .dtype = DType::kF16, .shape = shape},
          .bias = nullptr,
          .dtype = DType::kF16,
          .out_dtype = DType::kF16,
          .rows = 480,
          .cols = 832,
          .row_begin = begin,
          .row_end = end},
         {});
  };

  compute(whole, 0, 480);
  compute(strips, 0, 1);
  compute(strips, 1, 100);
  compute(strips, 100, 480);

  const Tensor a = whole.download();
  const Tensor b = strips.download();
  EXPECT_EQ(std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()), 0);
}

}  // namespace
}  // namespace reel::cuda
