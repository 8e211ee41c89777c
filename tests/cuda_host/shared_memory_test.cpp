// SPDX-License-Identifier: Apache-2.0
// Shared memory and its races: each kernel is right with `barrier` and wrong without.
// Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/cuda/device/atomic.cuh"
#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/expect_fault.h"
#include "cuda_host/machine.h"

namespace reel::cuda {
namespace {

using testing::HasSubstr;

__global__ void read_first_word(uint16_t* out) {
  const device::Shared<uint16_t[116224]> shared;  // 227 KiB
  (*shared)[116223] = 5;
  out[0] = (*shared)[0];
  out[1] = (*shared)[116223];
}

TEST(SharedMemory, StartsAsPoisonInEveryBlock) {
  uint16_t out[2] = {};

  launch("read_first_word", read_first_word, {.grid = 2, .block = 1, .shared_bytes = 227 * 1024},
         out);

  EXPECT_TRUE(std::isnan(numerics::f16_to_float(out[0])));
  EXPECT_TRUE(std::isnan(numerics::bf16_to_float(out[0])));
  EXPECT_EQ(out[1], 5);
}

TEST(SharedMemory, MustHoldWhatTheKernelTakes) {
  uint16_t out[2];
  EXPECT_FAULT(
      launch("read_first_word", read_first_word, {.grid = 1, .block = 1, .shared_bytes = 64}, out),
      HasSubstr("takes 232448 bytes of shared memory, but the launch asked for 64"));
}

__global__ void write_behind(int at) {
  const device::Shared<int[4]> shared;
  int* ints = *shared;
  ints[at] = 1;
}

TEST(SharedMemory, EndsWhereTheLaunchSaid) {
  const auto start = [](int at) {
    launch("write_behind", write_behind, {.grid = 1, .block = 1, .shared_bytes = 16}, at);
  };

  start(3);
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
  EXPECT_DEATH(start(4), "use-after-poison");
#else
  EXPECT_FAULT(start(4), HasSubstr("wrote behind the 16 bytes of shared memory"));
#endif
}

__global__ void write_then_read(int* out, bool barrier) {
  const device::Shared<int[64]> shared;
  (*shared)[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (barrier) device::sync_block();
  out[threadIdx.x] = (*shared)[63 - threadIdx.x];
}

TEST(Races, AReadOfWhatAnotherWarpWroteNeedsABarrier) {
  int out[64] = {};
  const auto start = [&](bool barrier) {
    launch("write_then_read", write_then_read,
           {.grid = {1, 2}, .block = 64, .shared_bytes = sizeof out}, out, barrier);
  };

  start(true);
  EXPECT_EQ(out[3], 60);
  EXPECT_FAULT(start(false), HasSubstr("kernel \"write_then_read\", block (0, "),
               HasSubstr(" of shared memory at "), HasSubstr("with no barrier between"),
               HasSubstr("REEL_CUDA_HOST_SEED="));
}

__global__ void read_then_write(int* out, bool barrier) {
  const device::Shared<int[64]> shared;
  (*shared)[threadIdx.x] = static_cast<int>(threadIdx.x);
  device::sync_block();
  out[threadIdx.x] = (*shared)[63 - threadIdx.x];
  if (barrier) device::sync_block();
  (*shared)[threadIdx.x] = 0;
}

TEST(Races, AWriteOverWhatAnotherWarpReadsNeedsABarrier) {
  int out[64] = {};
  const auto start = [&](bool barrier) {
    launch("read_then_write", read_then_write, {.grid = 1, .block = 64, .shared_bytes = sizeof out},
           out, barrier);
  };

  start(true);
  EXPECT_FAULT(start(false), HasSubstr("with no barrier between"));
}

// Pairs of warps wait for each other.
__global__ void pairs_swap(int* out, unsigned distance, bool again) {
  const device::Shared<int[256]> shared;
  (*shared)[threadIdx.x] = static_cast<int>(threadIdx.x);
  device::sync_part<64>(1 + static_cast<int>(threadIdx.x / 64));
  out[threadIdx.x] = (*shared)[threadIdx.x ^ distance];
  if (again) (*shared)[threadIdx.x] = 0;
}

TEST(Races, ABarrierOfAPartOrdersItsThreadsAlone) {
  int out[256] = {};
  const auto start = [&](unsigned distance, bool again) {
    launch("pairs_swap", pairs_swap, {.grid = 1, .block = 256, .shared_bytes = sizeof out}, out,
           distance, again);
  };

  start(33, false);
  EXPECT_EQ(out[70], 70 ^ 33);
  EXPECT_FAULT(start(64, false), HasSubstr("with no barrier between"));
  EXPECT_FAULT(start(33, true), HasSubstr("with no barrier between"));
}

// Warp 1 meets warp 0, and then warp 2.
__global__ void warps_meet_in_turn(int* out, int reader) {
  const device::Shared<int[96]> shared;
  const int warp = device::warp_in_block();
  if (warp == 0) (*shared)[threadIdx.x] = 1;
  if (warp < 2) device::sync_part<64>(1);
  if (warp == 2) (*shared)[threadIdx.x] = 2;
  if (warp > 0) device::sync_part<64>(2);
  if (warp == reader) out[device::lane()] = (*shared)[(64 + threadIdx.x) % 128];
}

TEST(Races, WhatAWarpKnowsGoesOnToThoseItMeets) {
  int out[32] = {};
  const auto start = [&](int reader) {
    launch("warps_meet_in_turn", warps_meet_in_turn,
           {.grid = 1, .block = 96, .shared_bytes = 96 * sizeof(int)}, out, reader);
  };

  start(2);
  EXPECT_EQ(out[5], 1);
  EXPECT_FAULT(start(0), HasSubstr("with no barrier between"));
}

__global__ void write_one_int(bool all) {
  const device::Shared<int> shared;
  if (all || threadIdx.x == 7) *shared = 1;
}

TEST(Races, TwoThreadsMayNotWriteTheSameByte) {
  const auto start = [](bool all) {
    launch("write_one_int", write_one_int, {.grid = 1, .block = 32, .shared_bytes = 4}, all);
  };

  start(false);
  EXPECT_FAULT(start(true), HasSubstr("writes byte 0 of shared memory"), HasSubstr(" wrote at "));
}

__global__ void share_in_warp(int* out, bool barrier) {
  const device::Shared<int[32]> shared;
  (*shared)[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (barrier) {
    device::sync_warp();
  } else {
    device::vote_any(true);  // lanes meet, but memory is not ordered
  }
  out[threadIdx.x] = (*shared)[threadIdx.x ^ 1];
}

TEST(Races, LanesOfAWarpNeedSyncWarp) {
  int out[32] = {};
  const auto start = [&](bool barrier) {
    launch("share_in_warp", share_in_warp, {.grid = 1, .block = 32, .shared_bytes = sizeof out},
           out, barrier);
  };

  start(true);
  EXPECT_EQ(out[8], 9);
  EXPECT_FAULT(start(false), HasSubstr("with no barrier between"));
}

struct alignas(16) Vector {
  float at[4];
};

__global__ void copy_structs(Vector* out, bool barrier) {
  const device::Shared<Vector[64]> shared;
  (*shared)[threadIdx.x] = out[threadIdx.x];
  if (barrier) device::sync_block();
  out[threadIdx.x] = (*shared)[63 - threadIdx.x];
}

TEST(Races, CopiesOfWholeStructsAreSeen) {
  Vector out[64] = {};
  out[60].at[3] = 5;
  const auto start = [&](bool barrier) {
    launch("copy_structs", copy_structs, {.grid = 1, .block = 64, .shared_bytes = sizeof out}, out,
           barrier);
  };

  start(true);
  EXPECT_EQ(out[3].at[3], 5);
  EXPECT_FAULT(start(false), HasSubstr("with no barrier between"));
}

__global__ void count(int32_t* out, bool plain_too) {
  const device::Shared<int32_t> shared;
  if (threadIdx.x == 0) *shared = 0;
  device::sync_block();
  device::atomic_add(&*shared, 2);
  if (!plain_too) device::sync_block();
  if (threadIdx.x == 40) *out = *shared;
}

TEST(Races, AtomicsDoNotRaceWithEachOther) {
  int32_t out = 0;
  const auto start = [&](bool plain_too) {
    launch("count", count, {.grid = 1, .block = 64, .shared_bytes = 4}, &out, plain_too);
  };

  start(false);
  EXPECT_EQ(out, 128);
  EXPECT_FAULT(start(true), HasSubstr("with no barrier between"));
}

__global__ void ldmatrix_after_write(uint32_t* out, bool barrier) {
  const device::Shared<uint16_t[32][8]> rows;
  for (int i = 0; i < 8; ++i) (*rows)[device::lane()][i] = static_cast<uint16_t>(i);
  if (barrier) device::sync_warp();
  uint32_t r[4];
  device::ldmatrix_x4(r, (*rows)[device::lane()]);
  out[device::lane()] = r[0];
}

TEST(Races, LdmatrixReadsForOtherLanes) {
  uint32_t out[32];
  const auto start = [&](bool barrier) {
    launch("ldmatrix_after_write", ldmatrix_after_write,
           {.grid = 1, .block = 32, .shared_bytes = 512}, out, barrier);
  };

  start(true);
  EXPECT_EQ(out[1], 0x00030002u);
  EXPECT_FAULT(start(false), HasSubstr("reads byte"), HasSubstr("shared_memory_test.cpp:"));
}

}  // namespace
}  // namespace reel::cuda
