// SPDX-License-Identifier: Apache-2.0
// A machine that runs the threads of a CUDA grid on the CPU, one at a time: what the headers in
// overlay/ are made of. README.md says what it finds.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace reel::cuda_host {

// The kernel did what a GPU does not define: a race, a barrier that not all threads reach, ... The
// message names the kernel, the block and the threads.
class KernelFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where in a kernel's source a call stands; the default argument of every overlay function.
struct Site {
  const char* file;
  int line;

  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
  bool operator==(const Site&) const = default;
};

// The most a block may have on any supported GPU.
inline constexpr size_t kMostSharedBytes = 227 * 1024;

struct Grid {
  const char* name;  // of the kernel
  dim3 grid;
  dim3 block;
  size_t shared_bytes;
  void (*thread)(void* body);  // runs one thread
  void* body;
};

// Runs every thread of every block, in an order drawn from seed(). Throws KernelFault.
void run_grid(const Grid& grid);

// Drawn afresh in every run and printed; REEL_CUDA_HOST_SEED repeats a run.
uint64_t seed();
// A seed for input data: from seed(), the running test, and how often that test has asked.
uint64_t input_seed();

// The functions below are for the threads of a running grid.

// The dynamic shared memory, which must hold `bytes`.
void* shared_memory(size_t bytes);

void sync_block(Site site);
// Barrier `number`, 1 to 15, of `threads` threads, whole warps.
void sync_part(int number, int threads, Site site);
void sync_warp(Site site);

enum class Shuffle { kXor, kFrom, kDown, kUp };
uint32_t shuffle(Shuffle kind, uint32_t value, int operand, Site site);
// Bit l: what lane l gave.
uint32_t ballot(bool value, Site site);

struct Ldmatrix {
  uint32_t* to;  // [matrices]
  int matrices;  // 2 or 4
  const void* row;
  bool transposed;
};
void ldmatrix(const Ldmatrix& args, Site site);

enum class Mma { kS8, kF16, kF16F16, kBF16, kE4M3F16, kE4M3F32 };
void mma(Mma type, void* d, const uint32_t* a, const uint32_t* b, Site site);

void cp_async_16(void* shared, const void* global, bool valid, Site site);
void cp_async_commit();
void cp_async_wait(int pending, Site site);

int32_t atomic_max(int32_t* at, int32_t value, Site site);
int32_t atomic_add(int32_t* at, int32_t value, Site site);
void atomic_max_positive(float* at, float value, Site site);

}  // namespace reel::cuda_host
