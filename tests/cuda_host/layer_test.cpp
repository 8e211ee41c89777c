// SPDX-License-Identifier: Apache-2.0
// The machine that runs kernels on the CPU: right results for right kernels, a fault that names the
// spot for wrong ones. Compiled like a kernel, since it holds the kernels it runs.
#include <cuda_runtime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <type_traits>
#include <vector>

#include "backends/cuda/device/atomic.cuh"
#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "cuda_host/machine.h"

namespace reel::cuda {
namespace {

using cuda_host::input_seed;
using cuda_host::KernelFault;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

#define EXPECT_FAULT(statement, ...) \
  EXPECT_THAT([&] { statement; }, ThrowsMessage<KernelFault>(AllOf(__VA_ARGS__)))

// ---- grids and threads

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

// ---- shared memory

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

// ---- races: each kernel is right with `barrier` and wrong without

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
  EXPECT_FAULT(start(false), HasSubstr("reads byte"), HasSubstr("layer_test.cpp:"));
}

// ---- cp.async

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
               HasSubstr("layer_test.cpp:"));
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
  EXPECT_FAULT(start(false), HasSubstr("with no barrier between"), HasSubstr("layer_test.cpp:"));
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

// ---- threads that do not meet

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
               HasSubstr("at the barrier of layer_test.cpp:"), HasSubstr(", but thread "),
               HasSubstr("waits at the barrier of layer_test.cpp:"));
}

__global__ void half_a_warp_votes(int* out) {
  if (device::lane() < 16) out[0] = device::vote_any(true);
}

TEST(Divergence, LanesThatSkipAWarpFunctionAreFound) {
  int out = 0;
  EXPECT_FAULT(launch("half_a_warp_votes", half_a_warp_votes, {.grid = 1, .block = 32}, &out),
               HasSubstr("waits in vote of layer_test.cpp:"), HasSubstr("has returned"));
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

TEST(Divergence, AFaultLeavesTheMachineUsable) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(launch("some_return", some_return, {.grid = 1, .block = 64}), KernelFault);
    std::vector<uint32_t> out(256);
    launch("write_indices", write_indices, {.grid = 1, .block = 256}, out.data());
    EXPECT_EQ(out[255], 255u);
  }
}

// ---- warps

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

// ---- tensor cores, against the layouts as the PTX ISA writes them: element by element

constexpr int kRows = 16;
constexpr int kColumns = 8;

// The PTX ISA's formulas for a_i, b_i and c_i. kWide: k = 32 with 8-bit elements, else k = 16.
template <bool kWide>
int a_row(int lane, int i) {
  const bool upper = kWide ? i < 4 || (i >= 8 && i < 12) : i < 2 || (i >= 4 && i < 6);
  return upper ? lane >> 2 : (lane >> 2) + 8;
}
template <bool kWide>
int a_column(int lane, int i) {
  if (kWide) return lane % 4 * 4 + (i & 3) + (i < 8 ? 0 : 16);
  return lane % 4 * 2 + (i & 1) + (i < 4 ? 0 : 8);
}
template <bool kWide>
int b_row(int lane, int i) {
  if (kWide) return lane % 4 * 4 + (i & 3) + (i < 4 ? 0 : 16);
  return lane % 4 * 2 + (i & 1) + (i < 2 ? 0 : 8);
}
int c_row(int lane, int i) { return i < 2 ? lane >> 2 : (lane >> 2) + 8; }
int c_column(int lane, int i) { return lane % 4 * 2 + (i & 1); }

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
               HasSubstr("mma_f16 at layer_test.cpp:"),
               HasSubstr("in a warp of fewer than 32 threads"));
}

// ---- ldmatrix: 32 rows of 8 elements, numbered through

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
  EXPECT_FAULT(start(8), HasSubstr("ldmatrix at layer_test.cpp:"), HasSubstr("no multiple of 16"));
  EXPECT_FAULT(start(1024), HasSubstr("outside the block's 1024 bytes of shared memory"));
}

// ---- speed: an INT8 product as a kernel would do it

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
