// SPDX-License-Identifier: Apache-2.0
// The machine that runs kernels on the CPU: grids and threads, and threads that do not meet.
// Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backends/cuda/device/atomic.cuh"
#include "backends/cuda/device/block.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/expect_fault.h"
#include "cuda_host/machine.h"

namespace reel::cuda {
namespace {

using cuda_host::KernelFault;
using testing::HasSubstr;

__global__ void write_indices(uint32_t* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] += block * 1000 + thread;
}

TEST(Machine, RunsEveryThreadOfEveryBlockOnce) {
  std::vector<uint32_t> out(2 * 3 * 2 * 5 * 4 * 3, 7);

  launch("write_indices", write_indices, {.grid = {2, 3, 2}, .block = {5, 4, 3}}, out.data());

  for (uint32_t at = 0; at < out.size(); ++at) EXPECT_EQ(out[at], 7 + at / 60 * 1000 + at % 60);
}

__global__ void write_turns(int32_t* turn, int32_t* out) {
  out[blockIdx.x * blockDim.x + threadIdx.x] = device::atomic_add(turn, 1);
}

TEST(Machine, RunsThreadsInAnOrderThatOnlyTheSeedDecides) {
  std::vector<int32_t> orders[2];
  for (auto& order : orders) {
    int32_t turn = 0;
    order.resize(3 * 96);
    launch("write_turns", write_turns, {.grid = 3, .block = 96}, &turn, order.data());
  }

  EXPECT_EQ(orders[0], orders[1]);
  EXPECT_FALSE(std::is_sorted(orders[0].begin(), orders[0].end()));
}

TEST(Machine, RefusesWhatADriverRefuses) {
  int32_t out = 0;
  const auto start = [&](const LaunchShape& shape) {
    launch("write_turns", write_turns, shape, &out, &out);
  };

  EXPECT_FAULT(start({.grid = 1, .block = 1025}), HasSubstr("\"write_turns\" cannot start"),
               HasSubstr("block 1025 x 1 x 1"));
  EXPECT_FAULT(start({.grid = 0, .block = 32}), HasSubstr("grid 0 x 1 x 1"));
  EXPECT_FAULT(start({.grid = {1, 65536}, .block = 32}), HasSubstr("grid 1 x 65536 x 1"));
  EXPECT_FAULT(start({.grid = 1, .block = 32, .shared_bytes = 227 * 1024 + 1}),
               HasSubstr("232449 bytes of shared memory"));
}

__global__ void some_return() {
  if (threadIdx.x == 5) return;
  device::sync_block();
}

TEST(Divergence, AThreadThatReturnsBeforeABarrierIsFound) {
  EXPECT_FAULT(launch("some_return", some_return, {.grid = 1, .block = 64}),
               HasSubstr("kernel \"some_return\", block (0, 0, 0)"), HasSubstr("at the barrier of"),
               HasSubstr("thread 5 (lane 5 of warp 0) has returned"));
}

__global__ void two_barriers() {
  if (threadIdx.x < 32) {
    device::sync_block();
  } else {
    device::sync_block();
  }
}

TEST(Divergence, ThreadsAtTwoBarriersAreFound) {
  EXPECT_FAULT(launch("two_barriers", two_barriers, {.grid = 1, .block = 64}),
               HasSubstr("at the barrier of machine_test.cpp:"), HasSubstr(", but thread "),
               HasSubstr("waits at the barrier of machine_test.cpp:"));
}

__global__ void half_a_warp_votes(int* out) {
  if (device::lane() < 16) out[0] = device::vote_any(true);
}

TEST(Divergence, LanesThatSkipAWarpFunctionAreFound) {
  int out = 0;
  EXPECT_FAULT(launch("half_a_warp_votes", half_a_warp_votes, {.grid = 1, .block = 32}, &out),
               HasSubstr("waits in vote of machine_test.cpp:"), HasSubstr("has returned"));
}

__global__ void two_functions(int* out) {
  if (device::lane() < 16) {
    out[threadIdx.x] = device::shuffle(3, 0);
  } else {
    out[threadIdx.x] = device::shuffle_xor(3, 1);
  }
}

TEST(Divergence, LanesInTwoWarpFunctionsAreFound) {
  int out[32];
  EXPECT_FAULT(launch("two_functions", two_functions, {.grid = 1, .block = 32}, out),
               HasSubstr("while other lanes of its warp wait in shuffle"));
}

__global__ void a_part_of_three_warps() { device::sync_part<96>(1); }

__global__ void one_warp_stays_away() {
  if (threadIdx.x < 32) device::sync_part<64>(2);
}

__global__ void half_a_warp_waits() {
  if (threadIdx.x % 64 < 48) device::sync_part<32>(3);
}

__global__ void no_such_barrier() { device::sync_part<32>(16); }

TEST(Divergence, PartsThatDoNotMeetAreFound) {
  launch("a_part_of_three_warps", a_part_of_three_warps, {.grid = 1, .block = 192});
  EXPECT_FAULT(launch("a_part_of_three_warps", a_part_of_three_warps, {.grid = 1, .block = 64}),
               HasSubstr("with 64 of 96 threads"));
  EXPECT_FAULT(launch("one_warp_stays_away", one_warp_stays_away, {.grid = 1, .block = 64}),
               HasSubstr("waits at the barrier of machine_test.cpp:"), HasSubstr("has returned"));
  EXPECT_FAULT(launch("half_a_warp_waits", half_a_warp_waits, {.grid = 1, .block = 128}),
               HasSubstr("without all lanes of its warp"));
  EXPECT_FAULT(launch("no_such_barrier", no_such_barrier, {.grid = 1, .block = 32}),
               HasSubstr("barrier 16 for 32 threads"));
}

TEST(Divergence, AFaultLeavesTheMachineUsable) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(launch("some_return", some_return, {.grid = 1, .block = 64}), KernelFault);
    std::vector<uint32_t> out(256);
    launch("write_indices", write_indices, {.grid = 1, .block = 256}, out.data());
    EXPECT_EQ(out[255], 255u);
  }
}

}  // namespace
}  // namespace reel::cuda
