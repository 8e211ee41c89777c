// SPDX-License-Identifier: Apache-2.0
// Fast products on the CPU against the reference: odd sizes, random data, poisoned outputs.
#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>

#include "ops/linear.h"
#include "parity/cpu_parity.h"
#include "prepare/quantise.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::ops {
namespace {

using test::copy_of;
using test::poisoned_tensor;
using test::random_tensor;
using test::relative_error;

class CpuLinear : public CpuParity {};
INSTANTIATE_TEST_SUITE_P(Supported, CpuLinear, testing::ValuesIn(supported_dtypes()), dtype_of);

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

TEST_P(CpuLinear, LinearWithEveryEpilogue) {
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

// Whole lines of results, which may be written past the caches, and those that no line begins with.
TEST_P(CpuLinear, LinearWithoutBias) {
  const DType dtype = GetParam();
  struct Size {
    int64_t rows, out, in;
  };
  for (const Size& size : {Size{1, 32, 64}, Size{65, 96, 31}, Size{320, 64, 40}, Size{321, 64, 40},
                           Size{33, 80, 100}}) {
    for (const int64_t offset : {0, 16}) {
      SCOPED_TRACE(testing::Message()
                   << size.rows << " rows, " << size.out << " columns, offset " << offset);
      const Tensor x = random_tensor({size.rows, size.in}, dtype, 1);
      const Tensor w = random_tensor({size.out, size.in}, dtype, 2);
      const Tensor fast_w = pack(fast, w);
      const Tensor true_w = pack(truth, w);
      const Tensor got = poisoned_tensor({size.rows * size.out + 32}, dtype);
      const Tensor want = copy_of(got);
      const auto result = [&](const Tensor& all) {
        TensorView view = all.view();
        view.data = all.view().as<std::byte>() + storage_bytes(dtype, offset);
        view.shape = {size.rows, size.out};
        return view;
      };

      linear(fast, x, as_matrix(fast_w, w), {}, result(got));
      linear(truth, x, as_matrix(true_w, w), {}, result(want));

      EXPECT_LT(relative_error(copy_of(result(got)), copy_of(result(want))),
                test::tolerance::kernel(dtype));
      const auto begins = static_cast<size_t>(storage_bytes(dtype, offset));
      const auto ends = begins + static_cast<size_t>(result(got).size_bytes());
      const auto whole = static_cast<size_t>(got.view().size_bytes());
      EXPECT_EQ(std::memcmp(got.view().data, want.view().data, begins), 0);
      EXPECT_EQ(std::memcmp(got.view().as<std::byte>() + ends, want.view().as<std::byte>() + ends,
                            whole - ends),
                0);
    }
  }
}

TEST_P(CpuLinear, LinearTakesEveryMixOfPrecisions) {
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

TEST_P(CpuLinear, RotatedInt8Products) {
  expect_like_reference(fast, truth, DType::kI8, GetParam(),
                        {{1, 64, 128}, {7, 33, 384}, {129, 96, 256}, {331, 40, 8448}});
}

TEST_P(CpuLinear, Fp8Products) {
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

}  // namespace
}  // namespace reel::ops
