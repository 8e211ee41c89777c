// SPDX-License-Identifier: Apache-2.0
// The kernels on rows on a GPU against the reference: INT8 rows, layer norm, weights on arrival.
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "core/numerics/small_floats.h"
#include "core/packed_weights.h"
#include "support/delta_problem.h"
#include "support/device_tensor.h"
#include "support/int8_rows.h"
#include "support/open_gpu.h"
#include "support/prepare_problem.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {
namespace {

using test::DeviceTensor;
using test::poisoned_tensor;
using test::random_tensor;
using test::relative_error;

constexpr DType kFloats[] = {DType::kF32, DType::kBF16, DType::kF16};
constexpr uint64_t kSeed = 30;

void expect_same_bytes(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.bytes().size(), want.bytes().size());
  EXPECT_EQ(std::memcmp(got.bytes().data(), want.bytes().data(), got.bytes().size()), 0);
}

struct Rows {
  Tensor numbers, scales;
};

void expect_like(const Rows& got, const Rows& want, test::Rotated rotated) {
  test::expect_int8_rows_like(got.numbers.values<int8_t>(), want.numbers.values<int8_t>(),
                              got.scales.values<float>(), want.scales.values<float>(), rotated);
}

// Of f32 the same bytes; tensor cores rotate 16 bits.
void expect_rotated_like(const Rows& got, const Rows& want, DType dtype) {
  if (dtype != DType::kF32) return expect_like(got, want, test::Rotated::kAsStored);
  expect_same_bytes(got.numbers, want.numbers);
  expect_same_bytes(got.scales, want.scales);
}

class CudaRowsOnGpu : public test::OnGpu {
 protected:
  static Rows quantised(MemorySpace& space, const Tensor& x,
                        void (*kernel)(const ops::QuantiseRowsArgs&, Stream),
                        DType to = DType::kI8) {
    const DeviceTensor from(space, x);
    const DeviceTensor numbers(space, poisoned_tensor(x.shape(), to));
    const DeviceTensor scales(space, poisoned_tensor({x.shape()[0]}, DType::kF32));
    kernel({.x = from.data(),
            .dtype = x.dtype(),
            .to_dtype = to,
            .out = numbers.data(),
            .scales = static_cast<float*>(scales.data()),
            .rows = x.shape()[0],
            .width = x.shape()[1]},
           {});
    return {numbers.download(), scales.download()};
  }

  static Rows normed(MemorySpace& space, const Tensor& x, DType dtype,
                     void (*kernel)(const ops::LayerNormArgs&, Stream)) {
    const int64_t width = x.shape()[1];
    const DeviceTensor from(space, x);
    const DeviceTensor scale(space, random_tensor({width}, DType::kF32, kSeed + 1));
    const DeviceTensor shift(space, random_tensor({width}, DType::kF32, kSeed + 2));
    const DeviceTensor out(space, poisoned_tensor(x.shape(), dtype));
    const DeviceTensor scales(space, random_tensor({x.shape()[0]}, DType::kF32, kSeed + 3));
    kernel({.x = static_cast<const float*>(from.data()),
            .scale = static_cast<const float*>(scale.data()),
            .shift = static_cast<const float*>(shift.data()),
            .scale_offset = 1,
            .eps = 1e-6f,
            .out = out.data(),
            .dtype = dtype,
            .out_scale = has_row_scales(dtype) ? static_cast<float*>(scales.data()) : nullptr,
            .rows = x.shape()[0],
            .width = width},
           {});
    return {out.download(), scales.download()};
  }
};

TEST_F(CudaRowsOnGpu, QuantisesLikeTheReference) {
  for (const DType dtype : kFloats) {
    for (const int64_t width : {128, 384, 1024, 1152, 1536, 5120, 8960, 13824, 24576}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      const Tensor x = random_tensor({203, width}, dtype, kSeed, -3, 2);

      const Rows got = quantised(memory(), x, quantise_rows);
      const Rows want = quantised(host_memory(), x, cpu::reference::quantise_rows);

      expect_rotated_like(got, want, dtype);
    }
  }
}

// Blocks stay and take one row after the other: here several each, on any GPU.
TEST_F(CudaRowsOnGpu, QuantisesManyMoreRowsThanBlocks) {
  for (const DType dtype : kFloats) {
    for (const int64_t width : {5120, 13824}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      const Tensor x = random_tensor({2111, width}, dtype, kSeed, -3, 2);

      const Rows got = quantised(memory(), x, quantise_rows);
      const Rows want = quantised(host_memory(), x, cpu::reference::quantise_rows);

      expect_rotated_like(got, want, dtype);
    }
  }
}

TEST_F(CudaRowsOnGpu, RoundsToTheFp8OfTheReference) {
  for (const DType dtype : kFloats) {
    for (const int64_t width : {16, 1008, 5120, 13824}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      const Tensor x = random_tensor({203, width}, dtype, kSeed, -3, 2);

      const Rows got = quantised(memory(), x, quantise_rows, DType::kF8E4M3);
      const Rows want = quantised(host_memory(), x, cpu::reference::quantise_rows, DType::kF8E4M3);

      expect_same_bytes(got.numbers, want.numbers);
      expect_same_bytes(got.scales, want.scales);
    }
  }
}

TEST_F(CudaRowsOnGpu, NormsAndRoundsToFp8LikeTheReference) {
  for (const int64_t width : {1008, 5120}) {
    SCOPED_TRACE(width);
    const Tensor x = random_tensor({101, width}, DType::kF32, kSeed, -2, 3);

    const Rows got = normed(memory(), x, DType::kF8E4M3, layer_norm);
    const Rows want = normed(host_memory(), x, DType::kF8E4M3, cpu::reference::layer_norm);

    EXPECT_LT(relative_error(got.scales, want.scales), 2e-6);
    // The reference norms in double: halves may fall either way, to the neighbour in bits.
    int64_t others = 0;
    for (size_t at = 0; at < got.numbers.bytes().size(); ++at) {
      const int difference = got.numbers.values<uint8_t>()[at] - want.numbers.values<uint8_t>()[at];
      EXPECT_LE(std::abs(difference), 1);
      others += difference != 0;
    }
    EXPECT_LE(others, 1 + x.shape().elements() / 1000);
  }
}

TEST_F(CudaRowsOnGpu, NormsLikeTheReference) {
  for (const DType dtype : kFloats) {
    for (const int64_t width : {1, 8, 31, 1000, 1024, 1536, 5120, 5121, 20000}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << width);
      const Tensor x = random_tensor({101, width}, DType::kF32, kSeed, 9, 11);

      const Rows got = normed(memory(), x, dtype, layer_norm);
      const Rows want = normed(host_memory(), x, dtype, cpu::reference::layer_norm);

      const double tolerance = dtype == DType::kF32 ? 4e-6 : dtype == DType::kF16 ? 3e-4 : 2e-3;
      EXPECT_LT(relative_error(got.numbers, want.numbers), tolerance);
    }
  }
}

TEST_F(CudaRowsOnGpu, NormsRotatesAndQuantisesLikeTheReference) {
  for (const int64_t width : {128, 1536, 5120, 13824}) {
    SCOPED_TRACE(width);
    const Tensor x = random_tensor({101, width}, DType::kF32, kSeed, -2, 3);

    const Rows got = normed(memory(), x, DType::kI8, layer_norm);
    const Rows want = normed(host_memory(), x, DType::kI8, cpu::reference::layer_norm);

    expect_like(got, want, test::Rotated::kFromF16);
  }
}

TEST_F(CudaRowsOnGpu, PreparesEveryStoredDtypeAsTheReference) {
  for (const DType from : test::stored_dtypes()) {
    for (const DType to : {DType::kI8, DType::kF8E4M3, DType::kF32, DType::kBF16, DType::kF16}) {
      for (const int64_t width : {256, 5120, 13824}) {
        for (const int64_t scales : {0, 1, 67}) {
          test::PrepareCase which{
              .rows = 67, .width = width, .from = from, .to = to, .scales = scales};
          which.in_place = has_row_scales(to) && block_bytes(from) == 1 && scales == 1;
          which.scales_apart = has_row_scales(to) && scales == 67;
          SCOPED_TRACE(testing::Message() << which);
          test::expect_prepared_like(which, kSeed, cpu::reference::prepare_rows, prepare_rows,
                                     memory());
        }
      }
    }
  }
}

TEST_F(CudaRowsOnGpu, PreparesZeroRowsAndScalesOfAnySign) {
  for (const DType from : test::stored_dtypes()) {
    const test::PrepareCase which{
        .rows = 7, .width = 1280, .from = from, .scales = 7, .edges = true};
    SCOPED_TRACE(testing::Message() << which);
    test::expect_prepared_like(which, kSeed, cpu::reference::prepare_rows, prepare_rows, memory());
  }
}

// The check of a step's latents must see it.
TEST_F(CudaRowsOnGpu, GivesARowWithANanAScaleOfNan) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const int64_t width : {1024, 5120}) {
    const Tensor x = random_tensor({5, width}, DType::kF32, kSeed);
    x.values<float>()[static_cast<size_t>(3 * width + 131)] = kNan;
    const Tensor bf16 = poisoned_tensor(x.shape(), DType::kBF16);
    for (size_t at = 0; at < x.values<float>().size(); ++at) {
      bf16.values<BF16>()[at] = BF16(x.values<float>()[at]);
    }
    for (const Rows& rows :
         {quantised(memory(), x, quantise_rows), quantised(memory(), bf16, quantise_rows),
          normed(memory(), x, DType::kI8, layer_norm)}) {
      for (size_t row = 0; row < 5; ++row) {
        EXPECT_EQ(std::isnan(rows.scales.values<float>()[row]), row == 3) << row << ", " << width;
      }
    }
  }
}

TEST_F(CudaRowsOnGpu, AddsDeltasAsTheReference) {
  for (const DType dtype : kFloats) {
    for (const int64_t rank : {0, 1, 17, 64, 128}) {
      for (const int64_t width : {63, 256, 5120, 13824}) {
        const test::DeltaCase which{
            .rows = 67, .width = width, .rank = rank, .up = dtype, .down = dtype};
        SCOPED_TRACE(testing::Message() << which);
        EXPECT_LE(relative_error(test::run_add_delta(which, kSeed, add_delta, memory()),
                                 test::run_add_delta(which, kSeed, cpu::reference::add_delta)),
                  test::tolerance::kernel(DType::kF32));
      }
    }
  }
}

}  // namespace
}  // namespace reel::cuda
