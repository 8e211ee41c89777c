// SPDX-License-Identifier: Apache-2.0
// The load that measures tensor cores: its sums against loops over the matrices its warps hold.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <type_traits>

#include "backends/cuda/device/hash.cuh"
#include "backends/cuda/mma_rounds.h"
#include "core/numerics/small_floats.h"
#include "cuda_host/mma_layout.h"
#include "support/random_tensor.h"

namespace reel::cuda {
namespace {

using cuda_host::kColumns;
using cuda_host::kRows;
using numerics::bf16_to_float;
using numerics::f16_to_float;

constexpr int kBlocks = 2;
constexpr int kLanes = 32;

float as_float(int8_t value) { return value; }
float as_float(Half value) { return f16_to_float(value.bits); }
float as_float(BF16 value) { return bf16_to_float(value.bits); }
float rounded_to_f16(float value) { return f16_to_float(numerics::float_to_f16(value)); }
float unrounded(float value) { return value; }

// Two numbers near one, or four bytes.
template <typename Element>
uint32_t random_register(uint32_t at) {
  const uint32_t bits = device::hash(at);
  if (sizeof(Element) == 1) return 0x3c003c00u ^ bits;
  return (std::is_same_v<Element, BF16> ? 0x3f803f80u : 0x3c003c00u) ^ (bits & 0x803f803fu);
}

template <typename Element>
struct Matrices {
  static constexpr int kDepth = 32 / sizeof(Element);
  float a[kRows][kDepth];
  float b[kDepth][kColumns];

  // Of the warp whose lane 0 is thread `first` of the grid.
  explicit Matrices(int first) {
    constexpr bool kWide = sizeof(Element) == 1;
    constexpr int kInRegister = 4 / sizeof(Element);
    for (int lane = 0; lane < kLanes; ++lane) {
      uint32_t registers[6];
      for (uint32_t i = 0; i < 6; ++i) {
        registers[i] = random_register<Element>(8 * static_cast<uint32_t>(first + lane) + i);
      }
      Element elements[6 * kInRegister];
      std::memcpy(elements, registers, sizeof registers);
      const Element* of_b = elements + 4 * kInRegister;
      for (int i = 0; i < 4 * kInRegister; ++i) {
        a[cuda_host::a_row<kWide>(lane, i)][cuda_host::a_column<kWide>(lane, i)] =
            as_float(elements[i]);
      }
      for (int i = 0; i < 2 * kInRegister; ++i) {
        b[cuda_host::b_row<kWide>(lane, i)][lane >> 2] = as_float(of_b[i]);
      }
    }
  }

  double product(int row, int column) const {
    double sum = 0;
    for (int k = 0; k < kDepth; ++k) sum += double{a[row][k]} * b[k][column];
    return sum;
  }
};

// `round` is what a sum goes through after every product. `tolerance` is that of an out.
template <typename Element>
void expect_sums(Mma mma, float (*round)(float), double tolerance) {
  for (const int rounds : {1, 3}) {
    SCOPED_TRACE(testing::Message() << rounds << " rounds");
    const Tensor out = test::poisoned_tensor({kBlocks * kMmaThreads}, DType::kF32);

    run_mma_rounds(mma, rounds, kBlocks, out.view().as<float>());

    const std::span got(out.view().as<const float>(), kBlocks * kMmaThreads);
    for (int first = 0; first < kBlocks * kMmaThreads; first += kLanes) {
      const Matrices<Element> matrices(first);
      for (int lane = 0; lane < kLanes; ++lane) {
        double want = 0;
        for (int i = 0; i < 4; ++i) {
          const double product =
              matrices.product(cuda_host::c_row(lane, i), cuda_host::c_column(lane, i));
          float sum = 0;
          for (int added = 0; added < rounds; ++added) {
            sum = round(static_cast<float>(sum + product));
          }
          want += kMmaChains * double{sum};
        }
        ASSERT_NEAR(got[static_cast<size_t>(first + lane)], want, tolerance)
            << "thread " << first + lane;
      }
    }
  }
}

TEST(CudaMmaRounds, AddsBytesExactly) { expect_sums<int8_t>(Mma::kS8, unrounded, 0); }
TEST(CudaMmaRounds, AddsF16IntoF32) { expect_sums<Half>(Mma::kF16, unrounded, 1e-3); }
TEST(CudaMmaRounds, AddsBF16IntoF32) { expect_sums<BF16>(Mma::kBF16, unrounded, 1e-3); }
// Where f32 rounds in another order, an f16 below 64 may be its neighbour, in all chains alike.
TEST(CudaMmaRounds, AddsF16IntoF16) {
  expect_sums<Half>(Mma::kF16F16, rounded_to_f16, kMmaChains * 0x1p-5);
}

}  // namespace
}  // namespace reel::cuda
