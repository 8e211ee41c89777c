// SPDX-License-Identifier: Apache-2.0
// The kernels that work on a row at a time, on the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"
#include "core/buffer.h"
#include "core/numerics/small_floats.h"
#include "core/packed_weights.h"
#include "cuda_host/machine.h"
#include "support/int8_rows.h"
#include "support/random_tensor.h"

namespace reel::cuda {

// So that a block takes several rows.
int processor_count() { return 1; }
int64_t blocks_that_share(size_t) { return 1; }

namespace {

using cuda_host::input_seed;
using test::poisoned_tensor;
using test::random_tensor;
using test::relative_error;

constexpr DType kFloats[] = {DType::kF32, DType::kBF16, DType::kF16};
// One rotation block, half a warp more, a block of threads and less, the widths of the 14B.
constexpr int64_t kWidths[] = {128, 384, 1024, 1152, 5120, 13824, 16384};

void expect_same_bytes(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.bytes().size(), want.bytes().size());
  EXPECT_EQ(std::memcmp(got.bytes().data(), want.bytes().data(), got.bytes().size()), 0);
}

struct Quantised {
  Tensor numbers, scales;
};

template <typename Kernel>
Quantised quantised(const Tensor& x, Kernel kernel, DType to = DType::kI8) {
  Quantised result{poisoned_tensor(x.shape(), to), poisoned_tensor({x.shape()[0]}, DType::kF32)};
  kernel(ops::QuantiseRowsArgs{.x = x.view().data,
                               .dtype = x.dtype(),
                               .to_dtype = to,
                               .out = result.numbers.view().data,
                               .scales = result.scales.view().as<float>(),
                               .rows = x.shape()[0],
                               .width = x.shape()[1]},
         Stream{});
  return result;
}

void expect_int8_rows_like(const Tensor& got, const Tensor& got_scales, const Tensor& want,
                           const Tensor& want_scales, test::Rotated rotated) {
  test::expect_int8_rows_like(got.values<int8_t>(), want.values<int8_t>(),
                              got_scales.values<float>(), want_scales.values<float>(), rotated);
}

TEST(CudaQuantiseRows, GivesTheBytesOfTheReferenceFromF32) {
  for (const int64_t width : kWidths) {
    SCOPED_TRACE(width);
    const Tensor x = random_tensor({3, width}, DType::kF32, input_seed());

    const Quantised got = quantised(x, quantise_rows);
    const Quantised want = quantised(x, cpu::reference::quantise_rows);

    expect_same_bytes(got.numbers, want.numbers);
    expect_same_bytes(got.scales, want.scales);
  }
}

TEST(CudaQuantiseRows, IsLikeTheReferenceFrom16Bits) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const int64_t width : kWidths) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      const Tensor x = random_tensor({3, width}, dtype, input_seed());

      const Quantised got = quantised(x, quantise_rows);
      const Quantised want = quantised(x, cpu::reference::quantise_rows);

      expect_int8_rows_like(got.numbers, got.scales, want.numbers, want.scales,
                            test::Rotated::kAsStored);
    }
  }
}

TEST(CudaQuantiseRows, RoundsToTheFp8OfTheReference) {
  for (const DType dtype : kFloats) {
    for (const int64_t width : {16, 48, 1152, 5120, 16384}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      const Tensor x = random_tensor({3, width}, dtype, input_seed());

      const Quantised got = quantised(x, quantise_rows, DType::kF8E4M3);
      const Quantised want = quantised(x, cpu::reference::quantise_rows, DType::kF8E4M3);

      expect_same_bytes(got.numbers, want.numbers);
      expect_same_bytes(got.scales, want.scales);
    }
  }
}

TEST(CudaQuantiseRows, LeavesARowOfZerosZero) {
  for (const DType dtype : kFloats) {
    const Tensor x = random_tensor({2, 256}, dtype, input_seed(), 0, 0);

    const Quantised got = quantised(x, quantise_rows);

    for (const int8_t number : got.numbers.values<int8_t>()) EXPECT_EQ(number, 0);
    EXPECT_GT(got.scales.values<float>()[1], 0);
  }
}

// The check of a step's latents must see it.
TEST(CudaQuantiseRows, GivesARowWithANanAScaleOfNan) {
  const auto put_nan = [](const Tensor& x, int64_t at) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    const auto place = static_cast<size_t>(at);
    switch (x.dtype()) {
      case DType::kF32: x.values<float>()[place] = kNan; break;
      case DType::kBF16: x.values<numerics::BF16>()[place] = numerics::BF16(kNan); break;
      default: x.values<numerics::Half>()[place] = numerics::Half(kNan); break;
    }
  };
  for (const auto& [dtype, to] : {std::pair{DType::kF32, DType::kI8},
                                  {DType::kBF16, DType::kI8},
                                  {DType::kF16, DType::kI8},
                                  {DType::kF32, DType::kF8E4M3}}) {
    for (const int64_t at : {0, 131, 1151}) {
      const Tensor x = random_tensor({2, 1152}, dtype, input_seed());
      put_nan(x, 1152 + at);
      for (const auto kernel : {&quantise_rows, &cpu::reference::quantise_rows}) {
        const Quantised got = quantised(x, *kernel, to);

        EXPECT_TRUE(std::isfinite(got.scales.values<float>()[0]));
        EXPECT_TRUE(std::isnan(got.scales.values<float>()[1])) << to << ' ' << at;
      }
    }
  }
}

struct Normed {
  Tensor out, scales;
};

template <typename Kernel>
Normed normed(const Tensor& x, DType dtype, Kernel kernel, uint64_t seed) {
  const int64_t width = x.shape()[1];
  const Tensor scale = random_tensor({width}, DType::kF32, seed);
  const Tensor shift = random_tensor({width}, DType::kF32, seed + 1);
  Normed result{poisoned_tensor(x.shape(), dtype), poisoned_tensor({x.shape()[0]}, DType::kF32)};
  kernel(ops::LayerNormArgs{.x = x.view().as<float>(),
                            .scale = scale.view().as<float>(),
                            .shift = shift.view().as<float>(),
                            .scale_offset = 1,
                            .eps = 1e-6f,
                            .out = result.out.view().data,
                            .dtype = dtype,
                            .out_scale =
                                has_row_scales(dtype) ? result.scales.view().as<float>() : nullptr,
                            .rows = x.shape()[0],
                            .width = width},
         Stream{});
  return result;
}

TEST(CudaLayerNorm, IsLikeTheReference) {
  for (const DType dtype : kFloats) {
    for (const int64_t width : {1, 8, 31, 1000, 1024, 5120, 5121, 20000}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      // A mean far from zero: the variance must not be a difference of large numbers.
      const Tensor x = random_tensor({2, width}, DType::kF32, input_seed(), 9, 11);
      const uint64_t seed = input_seed();

      const Normed got = normed(x, dtype, layer_norm, seed);
      const Normed want = normed(x, dtype, cpu::reference::layer_norm, seed);

      const double tolerance = dtype == DType::kF32 ? 4e-6 : dtype == DType::kF16 ? 3e-4 : 2e-3;
      EXPECT_LT(relative_error(got.out, want.out), tolerance);
    }
  }
}

TEST(CudaLayerNorm, RoundsToFp8AsTheReference) {
  for (const int64_t width : {16, 1008, 5120}) {
    SCOPED_TRACE(width);
    const Tensor x = random_tensor({3, width}, DType::kF32, input_seed(), -2, 3);
    const uint64_t seed = input_seed();

    const Normed got = normed(x, DType::kF8E4M3, layer_norm, seed);
    const Normed want = normed(x, DType::kF8E4M3, cpu::reference::layer_norm, seed);

    EXPECT_LT(relative_error(got.scales, want.scales), 2e-6);
    // The reference norms in double: a number may fall on the other side of a half, which is the
    // neighbouring bit pattern.
    int64_t others = 0;
    for (size_t at = 0; at < got.out.bytes().size(); ++at) {
      const int difference = got.out.values<uint8_t>()[at] - want.out.values<uint8_t>()[at];
      EXPECT_LE(std::abs(difference), 1);
      others += difference != 0;
    }
    EXPECT_LE(others, 1 + x.shape().elements() / 1000);
  }
}

TEST(CudaLayerNorm, RotatesAndQuantisesAsTheReference) {
  for (const int64_t width : kWidths) {
    SCOPED_TRACE(width);
    const Tensor x = random_tensor({3, width}, DType::kF32, input_seed(), -2, 3);
    const uint64_t seed = input_seed();

    const Normed got = normed(x, DType::kI8, layer_norm, seed);
    const Normed want = normed(x, DType::kI8, cpu::reference::layer_norm, seed);

    expect_int8_rows_like(got.out, got.scales, want.out, want.scales, test::Rotated::kFromF16);
  }
}

}  // namespace
}  // namespace reel::cuda
