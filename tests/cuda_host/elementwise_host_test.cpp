// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "core/buffer.h"
#include "core/numerics/small_floats.h"
#include "cuda_host/machine.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {
namespace {

using cuda_host::input_seed;
using test::poisoned_tensor;
using test::random_tensor;

// Below a run of 8, a run, no multiple of one, more than one block of 2048.
constexpr int64_t kSizes[] = {1, 7, 8, 31, 2048, 2049, 5001};
constexpr DType kDtypes[] = {DType::kF32, DType::kF16, DType::kBF16};

void expect_same_bytes(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.bytes().size(), want.bytes().size());
  EXPECT_EQ(std::memcmp(got.bytes().data(), want.bytes().data(), got.bytes().size()), 0);
}

TEST(CudaCast, RoundsOnceLikeTheReference) {
  for (const int64_t size : kSizes) {
    for (const DType from : kDtypes) {
      for (const DType to : kDtypes) {
        SCOPED_TRACE(testing::Message() << size << " from " << from << " to " << to);
        const Tensor x = random_tensor({size}, from, input_seed());
        const Tensor got = poisoned_tensor({size}, to);
        const Tensor want = poisoned_tensor({size}, to);
        const auto args = [&](const Tensor& out) {
          return ops::CastArgs{.x = x.view().data,
                               .x_dtype = from,
                               .out = out.view().data,
                               .dtype = to,
                               .elements = size};
        };

        cast(args(got), {});
        cpu::reference::cast(args(want), {});

        expect_same_bytes(got, want);
      }
    }
  }
}

TEST(CudaCast, TakesAnyAlignment) {
  const Tensor x = random_tensor({100}, DType::kF32, input_seed());
  const Tensor got = poisoned_tensor({100}, DType::kBF16);

  cast({.x = x.view().as<float>() + 1,
        .x_dtype = DType::kF32,
        .out = got.view().as<BF16>() + 3,
        .dtype = DType::kBF16,
        .elements = 97},
       {});

  EXPECT_EQ(got.view().as<uint16_t>()[2], 0xffff);  // not touched
  for (int64_t at = 0; at < 97; ++at) {
    EXPECT_EQ(got.view().as<BF16>()[at + 3].bits, BF16(x.view().as<float>()[at + 1]).bits) << at;
  }
}

TEST(CudaAdd, RoundsOnceLikeTheReference) {
  for (const int64_t size : kSizes) {
    for (const DType dtype : kDtypes) {
      SCOPED_TRACE(testing::Message() << size << " of " << dtype);
      const Tensor a = random_tensor({size}, dtype, input_seed());
      const Tensor b = random_tensor({size}, dtype, input_seed());
      const Tensor got = poisoned_tensor({size}, dtype);
      const Tensor want = poisoned_tensor({size}, dtype);
      const auto args = [&](const Tensor& out) {
        return ops::AddArgs{.a = a.view().data,
                            .b = b.view().data,
                            .out = out.view().data,
                            .dtype = dtype,
                            .elements = size};
      };

      add(args(got), {});
      cpu::reference::add(args(want), {});

      expect_same_bytes(got, want);
    }
  }
}

TEST(CudaAdd, MayWriteOverAnOperand) {
  const Tensor a = random_tensor({777}, DType::kF32, input_seed());
  const Tensor b = random_tensor({777}, DType::kF32, input_seed());
  const Tensor want = poisoned_tensor({777}, DType::kF32);
  cpu::reference::add({.a = a.view().data,
                       .b = b.view().data,
                       .out = want.view().data,
                       .dtype = DType::kF32,
                       .elements = 777},
                      {});

  add({.a = a.view().data,
       .b = b.view().data,
       .out = a.view().data,
       .dtype = DType::kF32,
       .elements = 777},
      {});

  expect_same_bytes(a, want);
}

TEST(CudaGatedGelu, EqualsTheReference) {
  for (const int64_t size : kSizes) {
    for (const DType dtype : kDtypes) {
      SCOPED_TRACE(testing::Message() << size << " of " << dtype);
      const Tensor gate = random_tensor({size}, dtype, input_seed(), -6, 6);
      const Tensor up = random_tensor({size}, dtype, input_seed());
      const Tensor got = poisoned_tensor({size}, dtype);
      const Tensor want = poisoned_tensor({size}, dtype);
      const auto args = [&](const Tensor& out) {
        return ops::GatedGeluArgs{.gate = gate.view().data,
                                  .up = up.view().data,
                                  .out = out.view().data,
                                  .dtype = dtype,
                                  .elements = size};
      };

      gated_gelu(args(got), {});
      cpu::reference::gated_gelu(args(want), {});

      EXPECT_LE(test::relative_error(got.view(), want.view()), test::tolerance::kernel(dtype));
    }
  }
}

TEST(CudaGatedGelu, MayWriteOverEitherOperand) {
  const Tensor gate = random_tensor({777}, DType::kF16, input_seed());
  const Tensor up = random_tensor({777}, DType::kF16, input_seed());
  const Tensor want = poisoned_tensor({777}, DType::kF16);
  const auto run = [](const Tensor& a, const Tensor& b, const Tensor& out) {
    gated_gelu({.gate = a.view().data,
                .up = b.view().data,
                .out = out.view().data,
                .dtype = DType::kF16,
                .elements = 777},
               {});
  };
  run(gate, up, want);
  const Tensor over_gate = test::copy_of(gate.view());
  const Tensor over_up = test::copy_of(up.view());

  run(over_gate, up, over_gate);
  run(gate, over_up, over_up);

  expect_same_bytes(over_gate, want);
  expect_same_bytes(over_up, want);
}

// Pixels of whole 16-byte units, of 4-byte units and of a single 16-bit channel.
TEST(CudaUpsample2x, RepeatsRowsAndColumns) {
  for (const DType dtype : kDtypes) {
    for (const int64_t channels : {1, 3, 6, 16, 40, 96}) {
      for (const auto& [rows, cols] : {std::pair{1, 1}, {7, 13}, {5, 3}}) {
        SCOPED_TRACE(testing::Message() << rows << 'x' << cols << 'x' << channels << ' ' << dtype);
        const Tensor x = random_tensor({rows, cols, channels}, dtype, input_seed());
        const Shape larger{2 * rows, 2 * cols, channels};
        const Tensor got = poisoned_tensor(larger, dtype);
        const Tensor want = poisoned_tensor(larger, dtype);
        const auto args = [&](const Tensor& out) {
          return ops::Upsample2xArgs{.x = x.view().data,
                                     .out = out.view().data,
                                     .dtype = dtype,
                                     .rows = x.shape()[0],
                                     .cols = x.shape()[1],
                                     .channels = channels};
        };

        upsample2x(args(got), {});
        cpu::reference::upsample2x(args(want), {});

        expect_same_bytes(got, want);
      }
    }
  }
}

}  // namespace
}  // namespace reel::cuda
