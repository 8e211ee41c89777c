// SPDX-License-Identifier: Apache-2.0
// What a warp or a block does together. Rows of `ldmatrix` are numbered through.
// Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/expect_fault.h"
#include "cuda_host/machine.h"

namespace reel::cuda {
namespace {

using cuda_host::input_seed;
using testing::HasSubstr;

struct Shuffled {
  float xored[32];
  int32_t from[32];
  uint32_t down[32], up[32];
  int any, all;
};

__global__ void shuffle_all(Shuffled* out) {
  const int lane = device::lane();
  out->xored[lane] = device::shuffle_xor(0.5f * static_cast<float>(lane), 5);
  out->from[lane] = device::shuffle(-lane, 7 + lane);
  out->down[lane] = device::shuffle_down(static_cast<uint32_t>(lane), 4);
  out->up[lane] = device::shuffle_up(static_cast<uint32_t>(lane), 3);
  const bool any = device::vote_any(lane == 9);
  const bool all = device::vote_all(lane != 9);
  if (lane == 0) {
    out->any = any;
    out->all = all;
  }
}

TEST(Warp, ShufflesAndVotes) {
  Shuffled out{};
  launch("shuffle_all", shuffle_all, {.grid = 1, .block = 32}, &out);

  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(out.xored[lane], 0.5f * static_cast<float>(lane ^ 5));
    EXPECT_EQ(out.from[lane], -((7 + lane) % 32));
    EXPECT_EQ(out.down[lane], static_cast<uint32_t>(lane < 28 ? lane + 4 : lane));
    EXPECT_EQ(out.up[lane], static_cast<uint32_t>(lane >= 3 ? lane - 3 : lane));
  }
  EXPECT_TRUE(out.any);
  EXPECT_FALSE(out.all);
}

__global__ void sum_and_max(const float* x, float* out) {
  const device::Shared<float[8]> partial;
  const float value = x[threadIdx.x];
  out[threadIdx.x] = device::block_sum<256>(value, *partial);
  out[256 + threadIdx.x] = device::block_amax<256>(fabsf(value), *partial);
  out[512 + threadIdx.x] = device::warp_sum(value);
}

TEST(Block, SumsAreTheSameBitsInEveryThread) {
  std::mt19937_64 random(input_seed());
  std::vector<float> x(256);
  for (float& value : x) value = static_cast<float>(random() >> 40) * 0x1p-24f - 0.5f;
  std::vector<float> out(768);

  launch("sum_and_max", sum_and_max, {.grid = 1, .block = 256, .shared_bytes = 32}, x.data(),
         out.data());

  double sum = 0;
  float largest = 0;
  for (const float value : x) {
    sum += value;
    largest = std::max(largest, std::fabs(value));
  }
  EXPECT_NEAR(out[0], sum, 1e-5);
  for (size_t thread = 0; thread < 256; ++thread) {
    EXPECT_EQ(out[thread], out[0]);
    EXPECT_EQ(out[256 + thread], largest);
    EXPECT_EQ(out[512 + thread], out[512 + thread / 32 * 32]);
  }
}

struct Loaded {
  uint32_t x4[32][4], x4_trans[32][4], x2[32][2], x2_trans[32][2];
};

__global__ void load_matrices(Loaded* out) {
  const device::Shared<uint16_t[32][8]> rows;
  const int lane = device::lane();
  for (int i = 0; i < 8; ++i) (*rows)[lane][i] = static_cast<uint16_t>(lane * 8 + i);
  device::sync_warp();
  uint32_t x4[4], x4_trans[4], x2[2], x2_trans[2];
  device::ldmatrix_x4(x4, (*rows)[lane]);
  device::ldmatrix_x4_trans(x4_trans, (*rows)[lane]);
  device::ldmatrix_x2(x2, (*rows)[31 - lane % 16]);
  device::ldmatrix_x2_trans(x2_trans, (*rows)[31 - lane % 16]);
  std::memcpy(out->x4[lane], x4, sizeof x4);
  std::memcpy(out->x4_trans[lane], x4_trans, sizeof x4_trans);
  std::memcpy(out->x2[lane], x2, sizeof x2);
  std::memcpy(out->x2_trans[lane], x2_trans, sizeof x2_trans);
}

TEST(LoadMatrix, GivesEveryLaneItsElements) {
  Loaded out{};
  launch("load_matrices", load_matrices, {.grid = 1, .block = 32, .shared_bytes = 512}, &out);

  const auto pair = [](int low, int high) { return static_cast<uint32_t>(low | high << 16); };
  for (int lane = 0; lane < 32; ++lane) {
    const int line = lane / 4;
    const int at = lane % 4 * 2;
    for (int m = 0; m < 4; ++m) {
      EXPECT_EQ(out.x4[lane][m], pair((m * 8 + line) * 8 + at, (m * 8 + line) * 8 + at + 1));
      EXPECT_EQ(out.x4_trans[lane][m], pair((m * 8 + at) * 8 + line, (m * 8 + at + 1) * 8 + line));
    }
    for (int m = 0; m < 2; ++m) {
      const auto row = [&](int r) { return (31 - m * 8 - r) * 8; };
      EXPECT_EQ(out.x2[lane][m], pair(row(line) + at, row(line) + at + 1));
      EXPECT_EQ(out.x2_trans[lane][m], pair(row(at) + line, row(at + 1) + line));
    }
  }
}

__global__ void misaligned_row(uint32_t* out, size_t offset) {
  const device::Shared<unsigned char[1024]> shared;
  uint32_t r[2];
  device::ldmatrix_x2(r, *shared + device::lane() * 16 + offset);
  out[device::lane()] = r[0];
}

TEST(LoadMatrix, TakesAlignedRowsOfSharedMemory) {
  uint32_t out[32];
  const auto start = [&](size_t offset) {
    launch("misaligned_row", misaligned_row, {.grid = 1, .block = 32, .shared_bytes = 1024}, out,
           offset);
  };

  start(0);
  EXPECT_FAULT(start(8), HasSubstr("ldmatrix at collectives_test.cpp:"),
               HasSubstr("no multiple of 16"));
  EXPECT_FAULT(start(1024), HasSubstr("outside the block's 1024 bytes of shared memory"));
}

}  // namespace
}  // namespace reel::cuda
