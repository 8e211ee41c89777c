// SPDX-License-Identifier: Apache-2.0
// Norms of the CUDA backend against the reference, in whatever memory its kernels run.
#pragma once

#include <gtest/gtest.h>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "support/device_tensor.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {

struct L2NormCase {
  int64_t rows, width;
  DType x_dtype, dtype;
  bool silu = true;
  bool in_place = false;  // the dtypes agree
};

inline void expect_l2_norm_like_reference(MemorySpace& memory, const L2NormCase& c, uint64_t seed) {
  SCOPED_TRACE(testing::Message() << c.rows << " rows of " << c.width << ", " << c.x_dtype << " to "
                                  << c.dtype << ", silu " << c.silu << ", in place " << c.in_place
                                  << ", seed " << seed);
  const Tensor x = test::random_tensor({c.rows, c.width}, c.x_dtype, seed, -3, 3);
  const Tensor gamma = test::random_tensor({c.width}, DType::kF32, seed + 1);
  const Tensor start = test::poisoned_tensor({c.rows, c.width}, c.dtype);
  const test::DeviceTensor device_x(memory, x);
  const test::DeviceTensor device_gamma(memory, gamma);
  const test::DeviceTensor out(memory, start);
  ops::L2NormArgs args{.x = device_x.data(),
                       .x_dtype = c.x_dtype,
                       .gamma = static_cast<const float*>(device_gamma.data()),
                       .silu = c.silu,
                       .out = c.in_place ? device_x.data() : out.data(),
                       .dtype = c.dtype,
                       .rows = c.rows,
                       .width = c.width};
  l2_norm(args, {});
  const Tensor got = c.in_place ? device_x.download() : out.download();

  const Tensor want = test::copy_of(start.view());
  args.x = x.view().data;
  args.gamma = gamma.view().as<float>();
  args.out = want.view().data;
  cpu::reference::l2_norm(args, {});
  EXPECT_LE(test::relative_error(got.view(), want.view()), test::tolerance::kernel(c.dtype));
}

struct RmsNormCase {
  int64_t rows, width;
  DType x_dtype, dtype;
  int64_t head_dim = 0;   // 0: no rotation
  bool in_place = false;  // the dtypes agree
};

inline void expect_rms_norm_like_reference(MemorySpace& memory, const RmsNormCase& c,
                                           uint64_t seed) {
  SCOPED_TRACE(testing::Message() << c.rows << " rows of " << c.width << ", " << c.x_dtype << " to "
                                  << c.dtype << ", heads of " << c.head_dim << ", in place "
                                  << c.in_place << ", seed " << seed);
  const Tensor x = test::random_tensor({c.rows, c.width}, c.x_dtype, seed, -3, 3);
  const Tensor weight = test::random_tensor({c.width}, DType::kF32, seed + 1);
  const Tensor rope = test::random_tensor({c.rows, c.head_dim + 1}, DType::kF32, seed + 2);
  const Tensor start = test::poisoned_tensor({c.rows, c.width}, c.dtype);
  const test::DeviceTensor device_x(memory, x);
  const test::DeviceTensor device_weight(memory, weight);
  const test::DeviceTensor device_rope(memory, rope);
  const test::DeviceTensor out(memory, start);
  const auto floats_if_rotated = [&](void* data) {
    return c.head_dim == 0 ? nullptr : static_cast<const float*>(data);
  };
  ops::RmsNormArgs args{.x = device_x.data(),
                        .x_dtype = c.x_dtype,
                        .weight = static_cast<const float*>(device_weight.data()),
                        .eps = 1e-6f,
                        .rope = floats_if_rotated(device_rope.data()),
                        .head_dim = c.head_dim,
                        .out = c.in_place ? device_x.data() : out.data(),
                        .dtype = c.dtype,
                        .rows = c.rows,
                        .width = c.width};
  rms_norm(args, {});
  const Tensor got = c.in_place ? device_x.download() : out.download();

  const Tensor want = test::copy_of(start.view());
  args.x = x.view().data;
  args.weight = weight.view().as<float>();
  args.rope = floats_if_rotated(rope.view().data);
  args.out = want.view().data;
  cpu::reference::rms_norm(args, {});
  EXPECT_LE(test::relative_error(got.view(), want.view()), test::tolerance::kernel(c.dtype));
}

}  // namespace reel::cuda
