// SPDX-License-Identifier: Apache-2.0
// Fast attention, norms and elementwise kernels on the CPU against the reference: odd sizes,
// random data, poisoned outputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/norm.h"
#include "parity/cpu_parity.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::ops {
namespace {

using test::poisoned_tensor;
using test::random_tensor;
using test::relative_error;

class CpuRows : public CpuParity {};
INSTANTIATE_TEST_SUITE_P(Supported, CpuRows, testing::ValuesIn(supported_dtypes()), dtype_of);

TEST_P(CpuRows, AttentionWithAndWithoutBias) {
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

TEST_P(CpuRows, Norms) {
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

TEST_P(CpuRows, L2NormWithAndWithoutSilu) {
  const DType dtype = GetParam();
  for (const Shape& shape : {Shape{1, 16}, Shape{5, 33}, Shape{131, 72}, Shape{1000, 96}}) {
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

TEST_P(CpuRows, ElementwiseOps) {
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

TEST_P(CpuRows, DeltasOfAnyRank) {
  struct Delta {
    int64_t rows, width, rank;
  };
  for (const Delta& delta :
       std::vector<Delta>{{1, 1, 1}, {3, 127, 5}, {4, 128, 16}, {9, 300, 64}, {5, 129, 0}}) {
    SCOPED_TRACE(testing::Message()
                 << delta.rows << ", " << delta.width << " of rank " << delta.rank);
    const bool has_rank = delta.rank > 0;
    const Tensor up =
        random_tensor({delta.rows, has_rank ? delta.rank : delta.width}, GetParam(), 1);
    const Tensor down =
        random_tensor({std::max<int64_t>(1, delta.rank), delta.width}, GetParam(), 2);
    const auto changed = [&](const Context& ctx) {
      Tensor x = random_tensor({delta.rows, delta.width}, DType::kF32, 3);
      ctx.kernels.add_delta({.x = x.view().as<float>(),
                             .up = up.view().data,
                             .up_dtype = GetParam(),
                             .down = has_rank ? down.view().data : nullptr,
                             .down_dtype = GetParam(),
                             .rank = delta.rank,
                             .rows = delta.rows,
                             .width = delta.width,
                             .factor = 0.7f},
                            {});
      return x;
    };

    EXPECT_LE(relative_error(changed(fast), changed(truth)), test::tolerance::kernel(DType::kF32));
  }
}

}  // namespace
}  // namespace reel::ops
