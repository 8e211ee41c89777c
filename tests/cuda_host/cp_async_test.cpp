// SPDX-License-Identifier: Apache-2.0
// Copies into shared memory that are in flight.
// Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/expect_fault.h"
#include "cuda_host/machine.h"

namespace reel::cuda {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

struct AsyncTest {
  bool wait = true, barrier = true;
};

__global__ void copy_async(const float* from, float* out, AsyncTest test) {
  struct Tile {
    alignas(16) float first[64][4];
    alignas(16) float second[64][4];
  };
  const device::Shared<Tile> tile;
  const unsigned thread = threadIdx.x;
  const unsigned other = 63 - thread;
  device::cp_async_16(tile->first[thread], from + thread * 4);
  device::cp_async_commit();
  device::cp_async_16(tile->second[thread], from + thread * 4, thread % 2 == 0);
  device::cp_async_commit();
  if (test.wait) device::cp_async_wait<1>();
  if (test.barrier) device::sync_block();
  out[thread] = tile->first[other][1];
  device::cp_async_wait<0>();
  device::sync_block();
  out[64 + thread] = tile->second[other][2];
}

class CpAsync : public testing::Test {
 protected:
  void start(AsyncTest test) {
    for (int i = 0; i < 256; ++i) from[i] = static_cast<float>(i);
    launch("copy_async", copy_async, {.grid = 1, .block = 64, .shared_bytes = 2048}, from, out,
           test);
  }

  alignas(16) float from[256];
  float out[128] = {};
};

TEST_F(CpAsync, LandsAtTheWaitOrIsZero) {
  start({});
  for (int i = 0; i < 64; ++i) {
    const int other = 63 - i;
    EXPECT_EQ(out[i], static_cast<float>(other * 4 + 1));
    EXPECT_EQ(out[64 + i], other % 2 == 0 ? static_cast<float>(other * 4 + 2) : 0.0f);
  }
}

TEST_F(CpAsync, IsInFlightWithoutAWait) {
  EXPECT_FAULT(start({.wait = false}), HasSubstr("is in flight: no cp_async_wait has ended it"),
               HasSubstr("kernel \"copy_async\""), HasSubstr("the cp.async of thread"),
               HasSubstr("cp_async_test.cpp:"));
}

TEST_F(CpAsync, IsSeenByOthersOnlyAfterABarrier) {
  EXPECT_FAULT(start({.barrier = false}),
               AnyOf(HasSubstr("with no barrier between"), HasSubstr("is in flight")));
}

__global__ void reuse_stage(const float* from, float* out, bool barrier) {
  const device::Shared<float[64][4]> stage;
  for (int step = 0; step < 3; ++step) {
    device::cp_async_16((*stage)[threadIdx.x], from + threadIdx.x * 4);
    device::cp_async_commit();
    device::cp_async_wait<0>();
    device::sync_block();
    out[threadIdx.x] += (*stage)[63 - threadIdx.x][0];
    if (barrier) device::sync_block();
  }
}

TEST_F(CpAsync, MayNotOverwriteAStageThatOthersRead) {
  const auto start = [&](bool barrier) {
    launch("reuse_stage", reuse_stage, {.grid = 1, .block = 64, .shared_bytes = 1024}, from, out,
           barrier);
  };
  for (float& value : from) value = 1;

  start(true);
  EXPECT_EQ(out[9], 3);
  // Which of the two a reader meets depends on the order of threads.
  EXPECT_FAULT(start(false), AnyOf(HasSubstr("with no barrier between"), HasSubstr("is in flight")),
               HasSubstr("cp_async_test.cpp:"));
}

__global__ void misaligned_async(const unsigned char* from, size_t to) {
  const device::Shared<unsigned char[64]> shared;
  device::cp_async_16(*shared + to, from);
}

TEST_F(CpAsync, TakesWholeLinesOfSharedMemory) {
  const auto start = [&](size_t from_offset, size_t to) {
    launch("misaligned_async", misaligned_async, {.grid = 1, .block = 1, .shared_bytes = 64},
           reinterpret_cast<const unsigned char*>(from) + from_offset, to);
  };

  start(16, 48);
  EXPECT_FAULT(start(0, 8), HasSubstr("no multiple of 16"));
  EXPECT_FAULT(start(4, 0), HasSubstr("from an address that is no multiple of 16"));
  EXPECT_FAULT(start(0, 64), HasSubstr("outside the block's 64 bytes of shared memory"));
}

}  // namespace
}  // namespace reel::cuda
