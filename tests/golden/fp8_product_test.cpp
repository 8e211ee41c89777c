// SPDX-License-Identifier: Apache-2.0
// One FP8 W8A8 product against PyTorch's float8 numbers (tools/reference/fp8.py).
#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "golden/stage_runs.h"
#include "ops/linear.h"
#include "prepare/quantise.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::test {
namespace {

class Fp8Product : public testing::TestWithParam<const ops::Kernels*> {};

TEST_P(Fp8Product, EqualsTheReference) {
  const std::string path = REEL_TEST_DATA "/golden/fp8_product.safetensors";
  const Tensor x = read_tensor(path, "x");
  const Tensor weight = read_tensor(path, "weight");
  const Tensor want = read_tensor(path, "product");
  const int64_t out = weight.shape()[0];
  const int64_t in = weight.shape()[1];
  const ops::Kernels& kernels = *GetParam();
  const Tensor numbers(DType::kF8E4M3, {out, in});
  const Tensor scales(DType::kF32, {out});
  prepare::quantise_rows_e4m3(weight.values<float>(), out, numbers.values<uint8_t>(),
                              scales.values<float>(), false);
  const Tensor packed(DType::kU8, {kernels.packed_matrix_bytes(DType::kF8E4M3, out, in)});
  kernels.pack_matrix({.from = numbers.view().data,
                       .dtype = DType::kF8E4M3,
                       .row_scale = scales.view().as<float>(),
                       .out = out,
                       .in = in,
                       .to = packed.view().data},
                      {});
  Arena arena{"test"};
  StopFlag stop;
  ops::Context ctx{.kernels = kernels, .arena = arena, .stop = stop};
  const Tensor got = poisoned_tensor(want.shape(), DType::kF32);

  ops::linear(ctx, x, {packed.view().data, DType::kF8E4M3, out, in}, {}, got);

  EXPECT_LT(relative_error(got, want), tolerance::kernel(DType::kF32));
}

INSTANTIATE_TEST_SUITE_P(Kernels, Fp8Product,
                         testing::Values(&cpu::reference_kernels(), &cpu::kernels()));

}  // namespace
}  // namespace reel::test
