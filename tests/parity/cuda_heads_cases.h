// SPDX-License-Identifier: Apache-2.0
// The CUDA kernels that turn projections into heads of 8-bit attention, against the reference, in
// whatever memory they run.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "support/device_tensor.h"
#include "support/int8_rows.h"
#include "support/random_tensor.h"

namespace reel::cuda {

// What turns projections into heads, on the host.
struct HeadNormTensors {
  Tensor sum_squares, weight, rope;

  // With `others`, x holds the first heads of rows that have so many more.
  HeadNormTensors(const Tensor& x, int64_t heads, uint64_t seed, int64_t others = 0)
      : sum_squares(test::random_tensor({x.shape()[0], heads + others}, DType::kF32, seed + 2, 1,
                                        ops::kInt8HeadDim)),
        weight(test::random_tensor({heads * ops::kInt8HeadDim}, DType::kF32, seed, 0.5f, 1.5f)),
        rope(test::random_tensor({x.shape()[0], 64, 2}, DType::kF32, seed + 1)) {
    for (int64_t at = 0; at < x.shape()[0] * heads; ++at) {
      double sum = 0;
      for (int64_t i = 0; i < ops::kInt8HeadDim; ++i) {
        sum += std::pow(test::value_at(x, at * ops::kInt8HeadDim + i), 2);
      }
      sum_squares.view().as<float>()[at / heads * (heads + others) + at % heads] =
          static_cast<float>(sum);
    }
  }
};

struct HeadsCase {
  int64_t rows, heads;
  DType dtype;
  bool rope = true;
  int64_t others = 0;  // heads of the same rows that are elsewhere
};

inline void expect_like_heads(const Tensor& got, const Tensor& got_scales, const Tensor& want,
                              const Tensor& want_scales) {
  test::expect_int8_rows_like(got.values<int8_t>(), want.values<int8_t>(),
                              got_scales.values<float>(), want_scales.values<float>(),
                              test::Rotated::kFromF16);
}

inline testing::Message named(const HeadsCase& c, uint64_t seed) {
  return testing::Message() << c.rows << " rows, " << c.heads << " heads, " << c.dtype << ", rope "
                            << c.rope << ", " << c.others << " heads elsewhere, seed " << seed;
}

// Projections and what normalises them, on the host and where the kernels run.
struct Projections {
  Tensor x;
  HeadNormTensors norm;
  test::DeviceTensor device_x, sums, weight, rope;

  Projections(MemorySpace& memory, const HeadsCase& c, uint64_t seed, float low, float high)
      : x(test::random_tensor({c.rows, c.heads * ops::kInt8HeadDim}, c.dtype, seed, low, high)),
        norm(x, c.heads, seed + 1, c.others),
        device_x(memory, x),
        sums(memory, norm.sum_squares),
        weight(memory, norm.weight),
        rope(memory, norm.rope) {}

  ops::HeadNorm on_device(bool with_rope) const {
    return head_norm(sums.view(), weight.view(), rope.view(), with_rope);
  }
  ops::HeadNorm on_host(bool with_rope) const {
    return head_norm(norm.sum_squares.view(), norm.weight.view(), norm.rope.view(), with_rope);
  }

 private:
  static ops::HeadNorm head_norm(const TensorView& sums, const TensorView& weight,
                                 const TensorView& rope, bool with_rope) {
    return {sums.as<float>(), weight.as<float>(), 1e-6f, with_rope ? rope.as<float>() : nullptr,
            sums.width()};
  }
};

// What a kernel writes, poisoned: for the reference, and where the kernel runs.
struct Output {
  Tensor want;
  test::DeviceTensor device;

  Output(MemorySpace& memory, const Shape& shape, DType dtype)
      : want(test::poisoned_tensor(shape, dtype)), device(memory, want) {}
};

inline void expect_quantised_queries_like_reference(MemorySpace& memory, const HeadsCase& c,
                                                    uint64_t seed) {
  SCOPED_TRACE(named(c, seed));
  const int64_t padded = ops::int8_padded(c.rows);
  const Projections from(memory, c, seed, -3, 3);
  const Output numbers(memory, {c.heads, padded, ops::kInt8HeadDim}, DType::kI8);
  const Output scales(memory, {c.heads, padded}, DType::kF32);
  ops::QuantiseQueriesArgs args{.x = from.device_x.data(),
                                .dtype = c.dtype,
                                .norm = from.on_device(c.rope),
                                .numbers = numbers.device.view().as<int8_t>(),
                                .scales = scales.device.view().as<float>(),
                                .rows = c.rows,
                                .heads = c.heads};
  quantise_queries(args, {});
  args.x = from.x.view().data;
  args.norm = from.on_host(c.rope);
  args.numbers = numbers.want.view().as<int8_t>();
  args.scales = scales.want.view().as<float>();
  cpu::reference::quantise_queries(args, {});

  expect_like_heads(numbers.device.download(), scales.device.download(), numbers.want, scales.want);
}

inline void expect_quantised_keys_like_reference(MemorySpace& memory, const HeadsCase& c,
                                                 uint64_t seed) {
  SCOPED_TRACE(named(c, seed));
  const int64_t padded = ops::int8_padded(c.rows);
  const Projections from(memory, c, seed, -1, 4);
  const Output numbers(memory, {c.heads, padded, ops::kInt8HeadDim}, DType::kI8);
  const Output scales(memory, {c.heads, padded / 64, 4}, DType::kF32);
  const Output mean(memory, {c.heads, ops::kInt8HeadDim}, DType::kF32);
  ops::QuantiseKeysArgs args{.x = from.device_x.data(),
                             .dtype = c.dtype,
                             .norm = from.on_device(c.rope),
                             .numbers = numbers.device.view().as<int8_t>(),
                             .scales = scales.device.view().as<float>(),
                             .mean = mean.device.view().as<float>(),
                             .rows = c.rows,
                             .heads = c.heads};
  quantise_keys(args, {});
  args.x = from.x.view().data;
  args.norm = from.on_host(c.rope);
  args.numbers = numbers.want.view().as<int8_t>();
  args.scales = scales.want.view().as<float>();
  args.mean = mean.want.view().as<float>();
  cpu::reference::quantise_keys(args, {});

  EXPECT_LE(test::relative_error(mean.device.download(), mean.want), 1e-5);
  // A single key less its own mean is rounding alone.
  if (c.rows == 1) return;
  expect_like_heads(numbers.device.download(), scales.device.download(), numbers.want, scales.want);
}

inline void expect_values_like_reference(MemorySpace& memory, const HeadsCase& c, uint64_t seed) {
  SCOPED_TRACE(named(c, seed));
  const Tensor x = test::random_tensor({c.rows, c.heads * ops::kInt8HeadDim}, c.dtype, seed, -1, 4);
  const test::DeviceTensor device_x(memory, x);
  const Output numbers(memory, {c.heads, ops::int8_padded(c.rows), ops::kInt8HeadDim}, DType::kF16);
  const Output mean(memory, {c.heads, ops::kInt8HeadDim}, DType::kF32);
  ops::PrepareValuesArgs args{.x = device_x.data(),
                              .dtype = c.dtype,
                              .numbers = numbers.device.view().as<uint16_t>(),
                              .mean = mean.device.view().as<float>(),
                              .rows = c.rows,
                              .heads = c.heads};
  prepare_values(args, {});
  args.x = x.view().data;
  args.numbers = numbers.want.view().as<uint16_t>();
  args.mean = mean.want.view().as<float>();
  cpu::reference::prepare_values(args, {});

  EXPECT_LE(test::relative_error(mean.device.download(), mean.want), 1e-5);
  if (c.rows == 1) return;  // rounding alone, as above
  EXPECT_LE(test::relative_error(numbers.device.download(), numbers.want), 1e-4);
}

inline void expect_e4m3_values_like_reference(MemorySpace& memory, const HeadsCase& c,
                                              uint64_t seed) {
  SCOPED_TRACE(named(c, seed));
  const Tensor x = test::random_tensor({c.rows, c.heads * ops::kInt8HeadDim}, c.dtype, seed, -1, 4);
  const test::DeviceTensor device_x(memory, x);
  const Output numbers(memory, {c.heads, ops::int8_padded(c.rows), ops::kInt8HeadDim},
                       DType::kF8E4M3);
  const Output mean(memory, {c.heads, ops::kInt8HeadDim}, DType::kF32);
  const Output scales(memory, {c.heads, ops::kInt8HeadDim}, DType::kF32);
  ops::PrepareValuesArgs args{.x = device_x.data(),
                              .dtype = c.dtype,
                              .numbers = nullptr,
                              .mean = mean.device.view().as<float>(),
                              .rows = c.rows,
                              .heads = c.heads,
                              .e4m3 = numbers.device.view().as<uint8_t>(),
                              .scales = scales.device.view().as<float>()};
  prepare_values(args, {});
  args.x = x.view().data;
  args.mean = mean.want.view().as<float>();
  args.e4m3 = numbers.want.view().as<uint8_t>();
  args.scales = scales.want.view().as<float>();
  cpu::reference::prepare_values(args, {});

  EXPECT_LE(test::relative_error(mean.device.download(), mean.want), 1e-5);
  if (c.rows == 1) return;  // rounding alone, as above
  EXPECT_LE(test::relative_error(scales.device.download(), scales.want), 1e-5);
  const Tensor got = numbers.device.download();
  int64_t different = 0;
  for (int64_t at = 0; at < got.view().elements(); ++at) {
    const int step = std::abs(got.view().as<uint8_t>()[at] - numbers.want.view().as<uint8_t>()[at]);
    // Neighbours have neighbouring bits; zeros of both signs are equal.
    if (step == 0x80 && (got.view().as<uint8_t>()[at] & 0x7f) == 0) continue;
    ASSERT_LE(step, 1) << "at " << at;
    different += step;
  }
  EXPECT_LE(different, 2 + got.view().elements() / 1000);
}

}  // namespace reel::cuda
