// SPDX-License-Identifier: Apache-2.0
// A call stack of its own, entered and left by hand.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || defined(REEL_UCONTEXT_FIBERS)
#include <ucontext.h>
#define REEL_FIBER_UCONTEXT
#endif

namespace reel::cuda_host {

class Fiber {
 public:
  Fiber() = default;  // without a stack: stands for whoever starts the others
  explicit Fiber(size_t stack_bytes);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next switch to this fiber calls entry(), which must never return. What was on the stack is
  // forgotten, without destructors.
  void restart(void (*entry)());

  // Leaves `from`, the fiber that runs, and goes on where `to` was left. `last`: nobody will switch
  // back to `from` before it is restarted.
  static void switch_to(Fiber& from, Fiber& to, bool last = false);

 private:
  static void first();

  unsigned char* stack_ = nullptr;
  size_t stack_bytes_ = 0;
  void (*entry_)() = nullptr;
  // For AddressSanitizer: where the stack is, and its own notes about it.
  const void* bounds_bottom_ = nullptr;
  size_t bounds_bytes_ = 0;
  void* sanitizer_stack_ = nullptr;
#ifdef REEL_FIBER_UCONTEXT
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
};

}  // namespace reel::cuda_host
