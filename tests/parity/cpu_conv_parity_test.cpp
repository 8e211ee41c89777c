// SPDX-License-Identifier: Apache-2.0
// Fast convolution on the CPU against the reference: odd sizes, random data, poisoned outputs.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "backends/cpu/element.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "parity/cpu_parity.h"
#include "support/conv_weights.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::ops {
namespace {

using test::poisoned_tensor;
using test::random_tensor;
using test::relative_error;

class CpuConv : public CpuParity {};
INSTANTIATE_TEST_SUITE_P(Supported, CpuConv, testing::ValuesIn(supported_dtypes()), dtype_of);

TEST_P(CpuConv, ConvAtEdgesWithMissingFramesAndResidual) {
  const DType dtype = GetParam();
  struct Case {
    ConvShape shape;
    int64_t rows, cols;
  };
  const Case cases[] = {{{16, 16, 1, 1, 1}, 4, 5},   {{16, 24, 3, 3, 3}, 5, 7},
                        {{32, 3, 3, 3, 3}, 9, 6},    {{8, 16, 3, 1, 1}, 3, 4},
                        {{48, 24, 1, 3, 3}, 17, 19}, {{96, 96, 3, 3, 3}, 2, 2},
                        {{8, 208, 1, 3, 3}, 90, 21}, {{40, 16, 3, 3, 3}, 71, 33}};
  for (const Case& test : cases) {
    const ConvShape& s = test.shape;
    const Tensor w = random_tensor(
        {s.out_channels, s.in_channels, s.taps, s.kernel_rows, s.kernel_cols}, DType::kF32, 1);
    const Tensor bias = random_tensor({s.out_channels}, DType::kF32, 2);
    const auto packed = [&](const Context& ctx) {
      Tensor to(DType::kU8, {ctx.kernels.packed_conv_bytes(dtype, s)});
      ctx.kernels.pack_conv(
          {.from = w.view().as<float>(), .shape = s, .dtype = dtype, .to = to.view().data}, {});
      return to;
    };
    const Tensor fast_w = packed(fast);
    const Tensor true_w = packed(truth);
    const Tensor first = random_tensor({test.rows, test.cols, s.in_channels}, dtype, 3);
    const Tensor second = random_tensor({test.rows, test.cols, s.in_channels}, dtype, 4);
    // The oldest frame is missing when there are three taps.
    std::vector<Frame> frames(static_cast<size_t>(s.taps - 1), Frame{});
    if (s.taps == 3) frames[1] = first;
    frames.push_back(second);
    for (const DType out_dtype : {dtype, DType::kF32}) {
      const Shape out_shape{test.rows, test.cols, s.out_channels};
      const Tensor residual = random_tensor(out_shape, out_dtype, 5);
      for (const bool with_residual : {false, true}) {
        const Tensor got = poisoned_tensor(out_shape, out_dtype);
        const Tensor want = poisoned_tensor(out_shape, out_dtype);
        const std::vector<Frame> add =
            with_residual ? std::vector<Frame>{residual} : std::vector<Frame>{};

        conv(fast, frames, {fast_w.view().data, dtype, s}, bias, std::vector<Frame>{got}, add);
        conv(truth, frames, {true_w.view().data, dtype, s}, bias, std::vector<Frame>{want}, add);

        EXPECT_LT(relative_error(got, want), test::tolerance::kernel(dtype))
            << s.in_channels << " -> " << s.out_channels << ", " << s.taps << " taps, out is "
            << out_dtype;
      }
    }
  }
}

// A convolution over the channels of two frames put together, and what follows it in a TAE.
TEST_P(CpuConv, ConvOfTwoFramesCutsNegativeSumsOff) {
  const DType dtype = GetParam();
  for (const ConvShape& s : {ConvShape{16, 24, 2, 3, 3}, {5, 3, 2, 3, 3}, {40, 40, 2, 1, 1}}) {
    const Tensor w = random_tensor(
        {s.out_channels, s.in_channels, s.taps, s.kernel_rows, s.kernel_cols}, DType::kF32, 1);
    const Tensor bias = random_tensor({s.out_channels}, DType::kF32, 2);
    const auto packed = [&](const Context& ctx, const Tensor& from, bool newest_first) {
      Tensor to(DType::kU8, {ctx.kernels.packed_conv_bytes(dtype, s)});
      ctx.kernels.pack_conv({.from = from.view().as<float>(),
                             .shape = s,
                             .dtype = dtype,
                             .to = to.view().data,
                             .newest_first = newest_first},
                            {});
      return to;
    };
    const Tensor fast_w = packed(fast, test::newest_first(w, s), true);
    const Tensor true_w = packed(truth, w, false);
    const Tensor past = random_tensor({9, 7, s.in_channels}, dtype, 3);
    const Tensor now = random_tensor({9, 7, s.in_channels}, dtype, 4);
    const Shape out_shape{9, 7, s.out_channels};
    const Tensor residual = random_tensor(out_shape, dtype, 5);
    const Tensor got = poisoned_tensor(out_shape, dtype);
    const Tensor want = poisoned_tensor(out_shape, dtype);
    const std::vector<Frame> frames{past, now};
    const std::vector<Frame> add{residual};

    conv(fast, frames, {fast_w.view().data, dtype, s}, bias, std::vector<Frame>{got}, add, {},
         ConvEpilogue::kRelu);
    conv(truth, frames, {true_w.view().data, dtype, s}, bias, std::vector<Frame>{want}, add);
    // By hand, of what the reference made without it.
    for (int64_t at = 0; at < want.view().elements(); ++at) {
      if (test::value_at(want, at) < 0) cpu::store(want.view().data, dtype, at, 0);
    }

    EXPECT_LT(relative_error(got, want), test::tolerance::kernel(dtype)) << s.in_channels;
  }
}

TEST_P(CpuConv, ConvStripsEqualTheWhole) {
  const DType dtype = GetParam();
  const ConvShape s{8, 8, 1, 3, 3};
  const Tensor w = random_tensor({8, 8, 1, 3, 3}, DType::kF32, 1);
  Tensor packed(DType::kU8, {fast.kernels.packed_conv_bytes(dtype, s)});
  fast.kernels.pack_conv(
      {.from = w.view().as<float>(), .shape = s, .dtype = dtype, .to = packed.view().data}, {});
  const Tensor x = random_tensor({13, 6, 8}, dtype, 2);
  const Tensor whole = poisoned_tensor({13, 6, 8}, dtype);
  const Tensor strips = poisoned_tensor({13, 6, 8}, dtype);
  const auto run = [&](const Tensor& out, int64_t begin, int64_t end) {
    fast.kernels.conv({.frames = {x.view().data},
                       .out = out.view().data,
                       .residual = nullptr,
                       .weight = {packed.view().data, dtype, s},
                       .bias = nullptr,
                       .dtype = dtype,
                       .out_dtype = dtype,
                       .rows = 13,
                       .cols = 6,
                       .row_begin = begin,
                       .row_end = end},
                      {});
  };

  run(whole, 0, 13);
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 5}, {5, 12}, {12, 13}})
    run(strips, begin, end);

  EXPECT_LT(relative_error(strips, whole), 1e-6);
}

TEST_P(CpuConv, Upsample) {
  const DType dtype = GetParam();
  const Tensor x = random_tensor({3, 5, 7}, dtype, 1);
  const Tensor out = poisoned_tensor({6, 10, 7}, dtype);

  upsample2x(fast, x, out);

  for (int64_t row = 0; row < 6; ++row) {
    for (int64_t col = 0; col < 10; ++col) {
      EXPECT_EQ(test::value_at(out, (row * 10 + col) * 7),
                test::value_at(x, (row / 2 * 5 + col / 2) * 7));
    }
  }
}

}  // namespace
}  // namespace reel::ops
