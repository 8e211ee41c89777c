// SPDX-License-Identifier: Apache-2.0
// Tensor cores, element by element, against the layouts as the PTX ISA writes them.
// Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <random>

#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/expect_fault.h"
#include "cuda_host/machine.h"
#include "cuda_host/mma_layout.h"

namespace reel::cuda {
namespace {

using namespace cuda_host;  // NOLINT
using testing::HasSubstr;

template <typename Element, typename D>
struct MmaCase {
  static constexpr int kDepth = 32 / sizeof(Element);
  Element a[kRows][kDepth];
  Element b[kDepth][kColumns];
  D c[kRows][kColumns];
  D d[kRows][kColumns];
};

template <auto kMma, typename Register, int kRegisters, typename Element, typename D>
__global__ void one_mma(MmaCase<Element, D>* matrices) {
  constexpr bool kWide = sizeof(Element) == 1;
  const int lane = device::lane();
  uint32_t a[4], b[2];
  Register d[kRegisters];
  constexpr int kInRegister = 4 / sizeof(Element);
  Element elements[4 * kInRegister];
  for (int i = 0; i < 4 * kInRegister; ++i) {
    elements[i] = matrices->a[a_row<kWide>(lane, i)][a_column<kWide>(lane, i)];
  }
  std::memcpy(a, elements, sizeof a);
  for (int i = 0; i < 2 * kInRegister; ++i) {
    elements[i] = matrices->b[b_row<kWide>(lane, i)][lane >> 2];
  }
  std::memcpy(b, elements, sizeof b);
  D sums[4];
  for (int i = 0; i < 4; ++i) sums[i] = matrices->c[c_row(lane, i)][c_column(lane, i)];
  std::memcpy(d, sums, sizeof d);
  kMma(d, a, b, cuda_host::Site::here());
  std::memcpy(sums, d, sizeof d);
  for (int i = 0; i < 4; ++i) matrices->d[c_row(lane, i)][c_column(lane, i)] = sums[i];
}

float as_float(float value) { return value; }
float as_float(Half value) { return value; }
float as_float(BF16 value) { return value; }
struct E4M3 {
  uint8_t bits;

  E4M3() = default;
  explicit E4M3(float value) : bits(numerics::float_to_f8_e4m3(value)) {}
};
float as_float(E4M3 value) { return numerics::f8_e4m3_to_float(value.bits); }

template <auto kMma, typename Register, int kRegisters, typename Element, typename D>
void expect_product(double tolerance) {
  std::mt19937_64 random(input_seed());
  const auto draw = [&] { return static_cast<float>(random() >> 40) * 0x1p-23f - 1; };
  MmaCase<Element, D> matrices;
  for (auto& row : matrices.a) std::generate(row, std::end(row), [&] { return Element(draw()); });
  for (auto& row : matrices.b) std::generate(row, std::end(row), [&] { return Element(draw()); });
  for (auto& row : matrices.c) std::generate(row, std::end(row), [&] { return D(draw()); });

  launch("one_mma", one_mma<kMma, Register, kRegisters, Element, D>, {.grid = 1, .block = 32},
         &matrices);

  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      double want = as_float(matrices.c[row][column]);
      for (int k = 0; k < matrices.kDepth; ++k) {
        want += double{as_float(matrices.a[row][k])} * as_float(matrices.b[k][column]);
      }
      EXPECT_NEAR(as_float(matrices.d[row][column]), want, tolerance)
          << "row " << row << " column " << column;
    }
  }
}

TEST(Mma, F16) { expect_product<device::mma_f16, float, 4, Half, float>(1e-5); }
TEST(Mma, BF16) { expect_product<device::mma_bf16, float, 4, BF16, float>(1e-5); }
TEST(Mma, E4M3) { expect_product<device::mma_e4m3_f32, float, 4, E4M3, float>(1e-4); }
// One rounding to f16 of sums below 32.
TEST(Mma, F16IntoF16) { expect_product<device::mma_f16_f16, uint32_t, 2, Half, Half>(0x1p-7); }
TEST(Mma, E4M3IntoF16) { expect_product<device::mma_e4m3_f16, uint32_t, 2, E4M3, Half>(0x1p-7); }

TEST(Mma, S8IsExact) {
  std::mt19937_64 random(input_seed());
  MmaCase<int8_t, int32_t> matrices;
  for (auto& row : matrices.a) {
    std::generate(row, std::end(row), [&] { return static_cast<int8_t>(random()); });
  }
  for (auto& row : matrices.b) {
    std::generate(row, std::end(row), [&] { return static_cast<int8_t>(random()); });
  }
  for (auto& row : matrices.c) {
    std::generate(row, std::end(row), [&] { return static_cast<int32_t>(random() >> 36); });
  }

  launch("one_mma", one_mma<device::mma_s8, int32_t, 4, int8_t, int32_t>, {.grid = 1, .block = 32},
         &matrices);

  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      int32_t want = matrices.c[row][column];
      for (int k = 0; k < 32; ++k) want += int32_t{matrices.a[row][k]} * matrices.b[k][column];
      EXPECT_EQ(matrices.d[row][column], want) << "row " << row << " column " << column;
    }
  }
}

__global__ void a_few_lanes(float* out) {
  float d[4] = {};
  const uint32_t a[4] = {}, b[2] = {};
  device::mma_f16(d, a, b);
  out[threadIdx.x] = d[0];
}

TEST(Mma, NeedsAWholeWarp) {
  float out[48];
  EXPECT_FAULT(launch("a_few_lanes", a_few_lanes, {.grid = 1, .block = 48}, out),
               HasSubstr("mma_f16 at mma_test.cpp:"),
               HasSubstr("in a warp of fewer than 32 threads"));
}

}  // namespace
}  // namespace reel::cuda
