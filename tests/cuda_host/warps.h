// SPDX-License-Identifier: Apache-2.0
// What the parts of the machine share: who runs, and how a warp acts as one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda_host/machine.h"

namespace reel::cuda_host {

inline constexpr int kLanes = 32;

// The running thread as others see it. An access before a barrier has a smaller block_epoch than
// one after it; within a warp, one before a sync_warp() has a smaller warp_epoch. part_step counts
// the warp's barriers of parts of the block.
struct Actor {
  uint16_t thread = 0;  // in the block
  uint32_t block_epoch = 0;
  uint32_t warp_epoch = 0;
  uint32_t part_step = 0;

  int warp() const { return thread / kLanes; }
};

Actor actor();

// Whether barriers of parts lie between that step of another warp and the running thread.
bool is_behind(int warp, uint32_t part_step);

// What a warp does together. `args` holds what each of its lanes passed.
struct Collective {
  const char* name;
  bool whole_warp;  // a warp with fewer than 32 threads cannot
  void (*perform)(void** args, int lanes);
};

// Returns when every lane of the warp has called it with the same collective from the same site;
// the last one performs it.
void collective(const Collective& kind, void* args, Site site);

// A message without memory from the heap: the stacks of threads are abandoned after a fault, and no
// destructor runs.
class Text {
 public:
  Text& operator<<(const char* text);
  Text& operator<<(int64_t number);
  Text& operator<<(int number) { return *this << int64_t{number}; }
  Text& operator<<(size_t number) { return *this << static_cast<int64_t>(number); }
  Text& operator<<(const Site& site);  // "linear_int8.cu:88"

  const char* c_str() const { return text_; }

 private:
  char text_[1000] = "";
  size_t length_ = 0;
};

// Writes "thread 37 (lane 5 of warp 1)".
struct ThreadName {
  int thread;
};
Text& operator<<(Text& text, ThreadName name);

// Throws a KernelFault out of run_grid(); `what` is said of the running thread.
[[noreturn]] void fault(const Text& what);

}  // namespace reel::cuda_host
