// SPDX-License-Identifier: Apache-2.0
// An INT8 product as a kernel would do it: what a test may cost.
// Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <vector>

#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/machine.h"
#include "cuda_host/mma_layout.h"

namespace reel::cuda {
namespace {

using cuda_host::c_column;
using cuda_host::c_row;
using cuda_host::input_seed;

constexpr int kTile = 128;      // rows and columns of a block's part of the result
constexpr int kTileDepth = 64;  // bytes of k in a stage
struct GemmShared {
  alignas(16) int8_t a[2][kTile][kTileDepth];
  alignas(16) int8_t b[2][kTile][kTileDepth];
};

// 16-byte pieces of a row change places, so that ldmatrix meets every bank once.
int piece_at(int row, int piece) { return (piece ^ (row >> 1)) % 4 * 16; }

__device__ void load_stage(GemmShared& shared, int stage, const int8_t* a, const int8_t* b, int k) {
  for (int i = static_cast<int>(threadIdx.x); i < kTile * 4; i += 256) {
    const int row = i / 4;
    const int piece = i % 4;
    device::cp_async_16(&shared.a[stage][row][piece_at(row, piece)], a + row * k + piece * 16);
    device::cp_async_16(&shared.b[stage][row][piece_at(row, piece)], b + row * k + piece * 16);
  }
  device::cp_async_commit();
}

// A warp computes 64 x 32 of c = a b^T. block = 256, grid = (n / 128, m / 128).
__global__ void int8_gemm(const int8_t* a, const int8_t* b, int32_t* c, int n, int k) {
  const device::Shared<GemmShared> shared;
  const int lane = device::lane();
  const int warp_row = device::warp_in_block() / 4 * 64;
  const int warp_column = device::warp_in_block() % 4 * 32;
  a += static_cast<int>(blockIdx.y) * kTile * k;
  b += static_cast<int>(blockIdx.x) * kTile * k;
  int32_t sums[4][4][4] = {};
  load_stage(*shared, 0, a, b, k);
  for (int begin = 0, stage = 0; begin < k; begin += kTileDepth, stage ^= 1) {
    if (begin + kTileDepth < k) {
      load_stage(*shared, stage ^ 1, a + begin + kTileDepth, b + begin + kTileDepth, k);
      device::cp_async_wait<1>();
    } else {
      device::cp_async_wait<0>();
    }
    device::sync_block();
    for (int half = 0; half < 2; ++half) {
      uint32_t fragments_a[4][4];
      uint32_t fragments_b[4][2];
      for (int i = 0; i < 4; ++i) {
        const int row = warp_row + i * 16 + lane % 16;
        device::ldmatrix_x4(fragments_a[i],
                            &shared->a[stage][row][piece_at(row, half * 2 + lane / 16)]);
        const int column = warp_column + i * 8 + lane % 8;
        device::ldmatrix_x2(fragments_b[i],
                            &shared->b[stage][column][piece_at(column, half * 2 + lane / 8 % 2)]);
      }
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) device::mma_s8(sums[i][j], fragments_a[i], fragments_b[j]);
      }
    }
    device::sync_block();
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      for (int e = 0; e < 4; ++e) {
        const int row = static_cast<int>(blockIdx.y) * kTile + warp_row + i * 16 + c_row(lane, e);
        const int column =
            static_cast<int>(blockIdx.x) * kTile + warp_column + j * 8 + c_column(lane, e);
        c[row * n + column] = sums[i][j][e];
      }
    }
  }
}

TEST(Speed, OfAnInt8Product) {
  constexpr int kSize = 256;
  std::mt19937_64 random(input_seed());
  std::vector<int8_t> a(kSize * kSize), b(kSize * kSize);
  for (int8_t& value : a) value = static_cast<int8_t>(random());
  for (int8_t& value : b) value = static_cast<int8_t>(random());
  std::vector<int32_t> c(kSize * kSize, -1);
  const auto* a_lines = a.data();
  const auto* b_lines = b.data();

  const auto start = std::chrono::steady_clock::now();
  launch("int8_gemm", int8_gemm,
         {.grid = {kSize / kTile, kSize / kTile}, .block = 256, .shared_bytes = sizeof(GemmShared)},
         a_lines, b_lines, c.data(), kSize, kSize);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;

  std::printf("256 x 256 x 256 INT8 in 4 blocks of 256 threads: %.1f ms\n", took.count());
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      int32_t want = 0;
      for (int k = 0; k < kSize; ++k) {
        want += int32_t{a[static_cast<size_t>(row * kSize + k)]} *
                b[static_cast<size_t>(column * kSize + k)];
      }
      ASSERT_EQ(c[static_cast<size_t>(row * kSize + column)], want) << row << ", " << column;
    }
  }
}

}  // namespace
}  // namespace reel::cuda
