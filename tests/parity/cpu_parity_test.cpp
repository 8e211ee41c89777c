// SPDX-License-Identifier: Apache-2.0
// The fast CPU kernels against the reference kernels: odd sizes, random data, poisoned outputs.
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "backends/cpu/backend.h"
#include "backends/cpu/element.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "prepare/quantise.h"
#include "support/conv_weights.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::ops {
namespace {

using test::copy_of;
using test::poisoned_tensor;
using test::random_tensor;
using test::relative_error;

struct Setup {
  Arena arena{"test"};
  StopFlag stop;
  Context fast{.kernels = cpu::kernels(), .arena = arena, .stop = stop};
  Context truth{.kernels = cpu::reference_kernels(), .arena = arena, .stop = stop};
};

std::vector<DType> supported_dtypes() {
  std::vector<DType> dtypes{DType::kF32};
  if (cpu::supports_compute(DType::kBF16)) dtypes.push_back(DType::kBF16);
  return dtypes;
}

class DTypes : public testing::TestWithParam<DType>, protected Setup {};
INSTANTIATE_TEST_SUITE_P(Supported, DTypes, testing::ValuesIn(supported_dtypes()),
                         [](const auto& test) { return dtype_name(test.param); });

Tensor pack(const Context& ctx, const Tensor& matrix) {
  const int64_t out = matrix.shape()[0];
  const int64_t in = matrix.shape()[1];
  Tensor packed(DType::kU8, {ctx.kernels.packed_matrix_bytes(matrix.dtype(), out, in)});
  ctx.kernels.pack_matrix({.from = matrix.view().data,
                           .dtype = matrix.dtype(),
                           .out = out,
                           .in = in,
                           .to = packed.view().data},
                          {});
  return packed;
}

MatrixView as_matrix(const Tensor& packed, const Tensor& matrix) {
  return {.data = packed.view().data,
          .dtype = matrix.dtype(),
          .out = matrix.shape()[0],
          .in = matrix.shape()[1]};
}

TEST_P(DTypes, LinearWithEveryEpilogue) {
  const DType dtype = GetParam();
  struct Size {
    int64_t rows, out, in;
  };
  for (const Size size : {Size{1, 64, 64}, Size{7, 33, 31}, Size{129, 256, 96}, Size{3, 1, 128},
                          Size{331, 40, 4100}}) {
    const Tensor x = random_tensor({size.rows, size.in}, dtype, 1);
    const Tensor w = random_tensor({size.out, size.in}, dtype, 2);
    const Tensor bias = random_tensor({size.out}, DType::kF32, 3);
    const Tensor gate = random_tensor({size.out}, DType::kF32, 4);
    const Tensor fast_w = pack(fast, w);
    const Tensor true_w = pack(truth, w);
    for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kGeluTanh, Epilogue::kSilu,
                                    Epilogue::kAdd, Epilogue::kGatedAdd}) {
      const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
      const DType out_dtype = adds ? DType::kF32 : dtype;
      const Shape shape{size.rows, size.out};
      const Tensor start =
          adds ? random_tensor(shape, out_dtype, 5) : poisoned_tensor(shape, out_dtype);
      const Tensor got = copy_of(start);
      const Tensor want = copy_of(start);
      const TensorView gates = epilogue == Epilogue::kGatedAdd ? gate.view() : TensorView{};

      linear(fast, x, as_matrix(fast_w, w), bias, got, epilogue, gates);
      linear(truth, x, as_matrix(true_w, w), bias, want, epilogue, gates);

      EXPECT_LT(relative_error(got, want), test::tolerance::kernel(out_dtype))
          << "rows " << size.rows << " out " << size.out << " epilogue "
          << static_cast<int>(epilogue);
    }
  }
}

TEST_P(DTypes, LinearTakesEveryMixOfPrecisions) {
  const DType dtype = GetParam();
  const Tensor w = random_tensor({17, 48}, dtype, 2);
  const Tensor fast_w = pack(fast, w);
  const Tensor true_w = pack(truth, w);
  for (const DType x_dtype : {DType::kF32, DType::kBF16}) {
    for (const DType out_dtype : {DType::kF32, DType::kBF16}) {
      const Tensor x = random_tensor({5, 48}, x_dtype, 1);
      const Tensor got = poisoned_tensor({5, 17}, out_dtype);
      const Tensor want = poisoned_tensor({5, 17}, out_dtype);

      linear(fast, x, as_matrix(fast_w, w), {}, got);
      linear(truth, x, as_matrix(true_w, w), {}, want);

      EXPECT_LT(relative_error(got, want), test::tolerance::kernel(out_dtype))
          << x_dtype << " to " << out_dtype;
    }
  }
}

// Rows of 8 bits of a random matrix, packed by `ctx`: rotated INT8, or e4m3.
Tensor pack_8_bits(const Context& ctx, const Tensor& matrix, DType dtype) {
  const int64_t out = matrix.shape()[0];
  const int64_t in = matrix.shape()[1];
  const Tensor rotated = copy_of(matrix);
  const Tensor numbers(dtype, {out, in});
  const Tensor scales(DType::kF32, {out});
  if (dtype == DType::kI8) {
    prepare::quantise_rows(rotated.values<float>(), out, numbers.values<int8_t>(),
                           scales.values<float>());
  } else {
    prepare::quantise_rows_e4m3(matrix.values<float>(), out, numbers.values<uint8_t>(),
                                scales.values<float>(), false);
  }
  Tensor packed(DType::kU8, {ctx.kernels.packed_matrix_bytes(dtype, out, in)});
  ctx.kernels.pack_matrix({.from = numbers.view().data,
                           .dtype = dtype,
                           .row_scale = scales.view().as<float>(),
                           .out = out,
                           .in = in,
                           .to = packed.view().data},
                          {});
  return packed;
}

struct ProductSize {
  int64_t rows, out, in;
};

// Products of `weight` rows in every epilogue, fast against true, with x and out of `dtype`.
void expect_like_reference(Context& fast, Context& truth, DType weight, DType dtype,
                           std::initializer_list<ProductSize> sizes) {
  for (const ProductSize& size : sizes) {
    const Tensor x = random_tensor({size.rows, size.in}, dtype, 1, -3, 3);
    const Tensor w = random_tensor({size.out, size.in}, DType::kF32, 2);
    const Tensor bias = random_tensor({size.out}, DType::kF32, 3);
    const Tensor gate = random_tensor({size.out}, DType::kF32, 4);
    const Tensor fast_w = pack_8_bits(fast, w, weight);
    const Tensor true_w = pack_8_bits(truth, w, weight);
    const auto view = [&](const Tensor& packed) {
      return MatrixView{packed.view().data, weight, size.out, size.in};
    };
    for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kGeluTanh, Epilogue::kSilu,
                                    Epilogue::kAdd, Epilogue::kGatedAdd}) {
      const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
      const DType out_dtype = adds ? DType::kF32 : dtype;
      const Shape shape{size.rows, size.out};
      const Tensor start =
          adds ? random_tensor(shape, out_dtype, 5) : poisoned_tensor(shape, out_dtype);
      const Tensor got = copy_of(start);
      const Tensor want = copy_of(start);
      const TensorView gates = epilogue == Epilogue::kGatedAdd ? gate.view() : TensorView{};

      linear(fast, x, view(fast_w), bias, got, epilogue, gates);
      linear(truth, x, view(true_w), bias, want, epilogue, gates);

      // The 8-bit numbers are equal, so only float sums and the epilogue may differ.
      EXPECT_LT(relative_error(got, want), test::tolerance::kernel(out_dtype))
          << size.rows << " rows, epilogue " << static_cast<int>(epilogue);
    }
  }
}

TEST_P(DTypes, RotatedInt8Products) {
  expect_like_reference(fast, truth, DType::kI8, GetParam(),
                        {{1, 64, 128}, {7, 33, 384}, {129, 96, 256}, {331, 40, 8448}});
}

TEST_P(DTypes, Fp8Products) {
  expect_like_reference(fast, truth, DType::kF8E4M3, GetParam(),
                        {{1, 64, 16}, {7, 33, 368}, {129, 96, 240}});
}

TEST(RotatedInt8, IsNearTheExactProduct) {
  Arena arena{"test"};
  StopFlag stop;
  Context ctx{.kernels = cpu::kernels(), .arena = arena, .stop = stop};
  // A few channels far larger than the others are what plain INT8 fails on.
  const Tensor x = random_tensor({64, 512}, DType::kF32, 1);
  for (int64_t row = 0; row < 64; ++row)
    x.values<float>()[static_cast<size_t>(row * 512 + 7)] *= 50;
  const Tensor w = random_tensor({96, 512}, DType::kF32, 2);
  const Tensor exact_w = pack(ctx, w);
  const Tensor int8_w = pack_8_bits(ctx, w, DType::kI8);
  const Tensor got = poisoned_tensor({64, 96}, DType::kF32);
  const Tensor want = poisoned_tensor({64, 96}, DType::kF32);

  linear(ctx, x, {int8_w.view().data, DType::kI8, 96, 512}, {}, got);
  linear(ctx, x, as_matrix(exact_w, w), {}, want);

  EXPECT_LT(relative_error(got, want), 0.02);
}

TEST_P(DTypes, AttentionWithAndWithoutBias) {
  const DType dtype = GetParam();
  struct Size {
    int64_t queries, keys, heads, head_dim;
  };
  for (const Size size : {Size{1, 1, 1, 32}, Size{65, 63, 3, 64}, Size{127, 129, 2, 128},
                          Size{200, 7, 1, 384}, Size{91, 91, 2, 128}, Size{40, 1100, 1, 64}}) {
    const int64_t width = size.heads * size.head_dim;
    const Tensor q = random_tensor({size.queries, width}, dtype, 1, -2, 2);
    const Tensor k = random_tensor({size.keys, width}, dtype, 2, -2, 2);
    const Tensor v = random_tensor({size.keys, width}, dtype, 3);
    const Tensor per_key = random_tensor({size.keys}, DType::kF32, 4);
    const Tensor relative =
        random_tensor({size.heads, size.queries + size.keys - 1}, DType::kF32, 5);
    for (const AttentionBias& bias :
         {AttentionBias{}, AttentionBias{.per_key = per_key, .relative = {}},
          AttentionBias{.per_key = {}, .relative = relative},
          AttentionBias{.per_key = per_key, .relative = relative}}) {
      const Tensor got = poisoned_tensor({size.queries, width}, dtype);
      const Tensor want = poisoned_tensor({size.queries, width}, dtype);

      attention(fast, q, k, v, size.heads, 0.125f, got, bias);
      attention(truth, q, k, v, size.heads, 0.125f, want, bias);

      EXPECT_LT(relative_error(got, want), test::tolerance::attention(dtype))
          << size.queries << " queries, " << size.keys << " keys";
    }
  }
}

TEST_P(DTypes, Norms) {
  const DType dtype = GetParam();
  for (const Shape& shape : {Shape{1, 256}, Shape{3, 384}, Shape{33, 1536}}) {
    const Tensor x = random_tensor(shape, DType::kF32, 1, -3, 5);
    const Tensor scale = random_tensor({shape.width()}, DType::kF32, 2);
    const Tensor shift = random_tensor({shape.width()}, DType::kF32, 3);
    const Tensor rope = random_tensor({shape[0], 64, 2}, DType::kF32, 4);
    const Tensor got = poisoned_tensor(shape, dtype);
    const Tensor want = poisoned_tensor(shape, dtype);
    const double most = test::tolerance::kernel(dtype);

    layer_norm(fast, x, scale, shift, 1e-6f, got);
    layer_norm(truth, x, scale, shift, 1e-6f, want);
    EXPECT_LT(relative_error(got, want), most) << "layer_norm " << shape;

    layer_norm_modulate(fast, x, scale, shift, 1e-6f, got);
    layer_norm_modulate(truth, x, scale, shift, 1e-6f, want);
    EXPECT_LT(relative_error(got, want), most) << "layer_norm_modulate " << shape;

    rms_norm(fast, x, scale, 1e-6f, got);
    rms_norm(truth, x, scale, 1e-6f, want);
    EXPECT_LT(relative_error(got, want), most) << "rms_norm " << shape;

    rms_norm_rope(fast, x, scale, 1e-6f, rope, got);
    rms_norm_rope(truth, x, scale, 1e-6f, rope, want);
    EXPECT_LT(relative_error(got, want), most) << "rms_norm_rope " << shape;
  }
}

TEST_P(DTypes, L2NormWithAndWithoutSilu) {
  const DType dtype = GetParam();
  for (const Shape& shape : {Shape{1, 16}, Shape{5, 33}, Shape{1000, 96}}) {
    const Tensor x = random_tensor(shape, dtype, 1, -3, 3);
    const Tensor gamma = random_tensor({shape.width()}, DType::kF32, 2);
    for (const bool silu : {false, true}) {
      const Tensor got = poisoned_tensor(shape, dtype);
      const Tensor want = poisoned_tensor(shape, dtype);

      l2_norm(fast, x, gamma, silu, got);
      l2_norm(truth, x, gamma, silu, want);

      EXPECT_LT(relative_error(got, want), test::tolerance::kernel(dtype)) << shape;
    }
    const Tensor wide = random_tensor(shape, DType::kF32, 3, -3, 3);
    const Tensor got = poisoned_tensor(shape, dtype);
    const Tensor want = poisoned_tensor(shape, dtype);

    l2_norm(fast, wide, gamma, true, got);
    l2_norm(truth, wide, gamma, true, want);

    EXPECT_LT(relative_error(got, want), test::tolerance::kernel(dtype)) << shape << " from f32";
  }
}

TEST_P(DTypes, ElementwiseOps) {
  const DType dtype = GetParam();
  for (const int64_t count : {1, 1023, 1025, 70001}) {
    const Tensor gate = random_tensor({count}, dtype, 1, -6, 6);
    const Tensor up = random_tensor({count}, dtype, 2);
    const Tensor got = poisoned_tensor({count}, dtype);
    const Tensor want = poisoned_tensor({count}, dtype);

    gated_gelu(fast, gate, up, got);
    gated_gelu(truth, gate, up, want);
    EXPECT_LT(relative_error(got, want), test::tolerance::kernel(dtype));

    add(fast, gate, up, got);
    add(truth, gate, up, want);
    EXPECT_LT(relative_error(got, want), test::tolerance::kernel(dtype));

    const Tensor other = poisoned_tensor({count}, DType::kF32);
    cast(fast, gate, other);
    cast(truth, gate, want);
    EXPECT_EQ(relative_error(other, gate), 0);
    EXPECT_EQ(relative_error(want, gate), 0);
  }
}

TEST_P(DTypes, DeltasOfAnyRank) {
  for (const auto& [rows, width, rank] : std::vector<std::tuple<int64_t, int64_t, int64_t>>{
           {1, 1, 1}, {3, 127, 5}, {4, 128, 16}, {9, 300, 64}, {5, 129, 0}}) {
    SCOPED_TRACE(testing::Message() << rows << ", " << width << " of rank " << rank);
    const Tensor up = random_tensor({rows, rank == 0 ? width : rank}, GetParam(), 1);
    const Tensor down = random_tensor({std::max<int64_t>(1, rank), width}, GetParam(), 2);
    const auto changed = [&](const Context& ctx) {
      Tensor x = random_tensor({rows, width}, DType::kF32, 3);
      ctx.kernels.add_delta({.x = x.view().as<float>(),
                             .up = up.view().data,
                             .up_dtype = GetParam(),
                             .down = rank == 0 ? nullptr : down.view().data,
                             .down_dtype = GetParam(),
                             .rank = rank,
                             .rows = rows,
                             .width = width,
                             .factor = 0.7f},
                            {});
      return x;
    };

    EXPECT_LE(relative_error(changed(fast), changed(truth)), test::tolerance::kernel(DType::kF32));
  }
}

TEST_P(DTypes, ConvAtEdgesWithMissingFramesAndResidual) {
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
TEST_P(DTypes, ConvOfTwoFramesCutsNegativeSumsOff) {
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

TEST_P(DTypes, ConvStripsEqualTheWhole) {
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

TEST_P(DTypes, Upsample) {
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
