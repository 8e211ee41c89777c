// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "core/numerics/small_floats.h"
#include "cuda_host/machine.h"
#include "parity/cuda_norm_cases.h"

namespace reel::cuda {
namespace {

using cuda_host::input_seed;

constexpr DType kDtypes[] = {DType::kF32, DType::kF16, DType::kBF16};

class CudaNorm : public testing::TestWithParam<std::tuple<DType, DType>> {
 protected:
  DType x_dtype() const { return std::get<0>(GetParam()); }
  DType dtype() const { return std::get<1>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Dtypes, CudaNorm,
                         testing::Combine(testing::ValuesIn(kDtypes), testing::ValuesIn(kDtypes)),
                         [](const auto& test) {
                           return std::string(dtype_name(std::get<0>(test.param))) + "_to_" +
                                  std::string(dtype_name(std::get<1>(test.param)));
                         });

// Exactly full groups of 4, 8, 16 and 32 lanes, part of one, more than a warp holds; widths that
// are no multiple of 8 or 4; rows that do not fill a block.
TEST_P(CudaNorm, L2EqualsTheReference) {
  for (const int64_t width : {1, 3, 4, 8, 40, 96, 100, 192, 384, 400, 768, 776, 1000}) {
    for (const int64_t rows : {1, 35}) {
      expect_l2_norm_like_reference(
          host_memory(), {rows, width, x_dtype(), dtype(), width % 16 == 0}, input_seed());
    }
  }
}

TEST_P(CudaNorm, RmsEqualsTheReference) {
  for (const int64_t width : {1, 7, 8, 2048, 2056, 4096, 13824}) {
    expect_rms_norm_like_reference(host_memory(), {2, width, x_dtype(), dtype()}, input_seed());
  }
}

// Heads of whole runs of 8 and others, more than one block's threads hold.
TEST_P(CudaNorm, RmsRotatesPairsOfHeads) {
  for (const auto& [width, head_dim] :
       {std::pair{8, 8}, {12, 6}, {40, 8}, {1536, 128}, {5120, 128}}) {
    expect_rms_norm_like_reference(host_memory(), {3, width, x_dtype(), dtype(), head_dim},
                                   input_seed());
  }
}

TEST(CudaNormInPlace, GivesTheSameNumbers) {
  for (const DType dtype : kDtypes) {
    for (const int64_t width : {int64_t{10}, int64_t{96}, int64_t{5120}}) {
      expect_l2_norm_like_reference(host_memory(), {9, width, dtype, dtype, true, true},
                                    input_seed());
      expect_rms_norm_like_reference(host_memory(), {2, width, dtype, dtype, 2, true},
                                     input_seed());
    }
  }
}

// The norm is clamped, not divided by: a row of zeros stays zeros.
TEST(CudaNormOfZeros, IsZeros) {
  for (const int64_t width : {int64_t{7}, int64_t{96}}) {
    const Tensor zeros = test::random_tensor({2, width}, DType::kF16, 1, 0, 0);
    const Tensor gamma = test::random_tensor({width}, DType::kF32, input_seed());
    const Tensor out = test::poisoned_tensor({2, width}, DType::kF16);

    l2_norm({.x = zeros.view().data,
             .x_dtype = DType::kF16,
             .gamma = gamma.view().as<float>(),
             .silu = false,
             .out = out.view().data,
             .dtype = DType::kF16,
             .rows = 2,
             .width = width},
            {});

    for (int64_t at = 0; at < 2 * width; ++at) EXPECT_EQ(test::value_at(out.view(), at), 0) << at;
  }
}

TEST(CudaNormOfUnalignedRows, EqualsTheReference) {
  const Tensor x = test::random_tensor({5 * 96 + 1}, DType::kF16, input_seed());
  const Tensor gamma = test::random_tensor({96}, DType::kF32, input_seed());
  const Tensor got = test::poisoned_tensor({5 * 96 + 3}, DType::kF16);
  const Tensor want = test::poisoned_tensor({5 * 96 + 3}, DType::kF16);
  ops::L2NormArgs args{.x = x.view().as<Half>() + 1,
                       .x_dtype = DType::kF16,
                       .gamma = gamma.view().as<float>(),
                       .silu = true,
                       .out = got.view().as<Half>() + 3,
                       .dtype = DType::kF16,
                       .rows = 5,
                       .width = 96};

  l2_norm(args, {});
  args.out = want.view().as<Half>() + 3;
  cpu::reference::l2_norm(args, {});

  EXPECT_EQ(got.view().as<uint16_t>()[2], 0xffff);  // not touched
  const auto from_third = [](const Tensor& tensor) {
    return TensorView{.data = tensor.view().as<Half>() + 3, .dtype = DType::kF16, .shape = {5, 96}};
  };
  EXPECT_LE(test::relative_error(from_third(got), from_third(want)),
            test::tolerance::kernel(DType::kF16));
}

}  // namespace
}  // namespace reel::cuda
