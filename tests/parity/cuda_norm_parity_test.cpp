// SPDX-License-Identifier: Apache-2.0
// Norms on a GPU against the reference, at the networks' sizes.
#include "parity/cuda_norm_cases.h"
#include "support/open_gpu.h"

namespace reel::cuda {
namespace {

constexpr DType kDtypes[] = {DType::kF32, DType::kF16, DType::kBF16};

class CudaNormOnGpu : public test::OnGpu {};

TEST_F(CudaNormOnGpu, L2EqualsTheReference) {
  for (const DType x_dtype : kDtypes) {
    for (const DType dtype : kDtypes) {
      for (const int64_t width : {1, 3, 8, 24, 40, 48, 96, 100, 192, 384, 776, 1000}) {
        expect_l2_norm_like_reference(memory(), {3001, width, x_dtype, dtype, width % 16 == 0}, 5);
      }
    }
  }
}

TEST_F(CudaNormOnGpu, RmsEqualsTheReference) {
  for (const DType x_dtype : kDtypes) {
    for (const DType dtype : kDtypes) {
      for (const int64_t width : {1, 7, 8, 1536, 4096, 5120, 13824}) {
        expect_rms_norm_like_reference(memory(), {301, width, x_dtype, dtype}, 6);
      }
      for (const auto& [width, head_dim] : {std::pair{12, 6}, {1536, 128}, {5120, 128}}) {
        expect_rms_norm_like_reference(memory(), {301, width, x_dtype, dtype, head_dim}, 7);
      }
    }
  }
}

TEST_F(CudaNormOnGpu, MayWriteOverItsInput) {
  for (const DType dtype : kDtypes) {
    for (const int64_t width : {int64_t{10}, int64_t{96}, int64_t{5120}}) {
      expect_l2_norm_like_reference(memory(), {999, width, dtype, dtype, true, true}, 8);
      expect_rms_norm_like_reference(memory(), {99, width, dtype, dtype, 2, true}, 9);
    }
  }
}

}  // namespace
}  // namespace reel::cuda
