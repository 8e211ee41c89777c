// SPDX-License-Identifier: Apache-2.0
#include "cuda_host/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define REEL_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REEL_ASAN
#endif
#endif
#ifdef REEL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifndef REEL_FIBER_UCONTEXT
// void reel_switch_stack(void** from, void* to): keeps what the System V ABI says a function keeps.
extern "C" void reel_switch_stack(void** from, void* to);
asm(R"(
.text
.globl reel_switch_stack
.type reel_switch_stack, @function
reel_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size reel_switch_stack, .-reel_switch_stack
)");
#endif

namespace reel::cuda_host {
namespace {

Fiber* left;  // by the switch that is going on
Fiber* entered;

}  // namespace

Fiber::Fiber(size_t stack_bytes) : stack_bytes_(stack_bytes) {
  // One page below the stack faults: it ends an overflow.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page, PROT_NONE);
  stack_ = static_cast<unsigned char*>(memory) + page;
  bounds_bottom_ = stack_;
  bounds_bytes_ = stack_bytes;
}

Fiber::~Fiber() {
  if (stack_ == nullptr) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
#ifdef REEL_ASAN
  __asan_unpoison_memory_region(stack_, stack_bytes_);
#endif
  munmap(stack_ - page, page + stack_bytes_);
}

void Fiber::restart(void (*entry)()) {
  entry_ = entry;
  sanitizer_stack_ = nullptr;
#ifdef REEL_ASAN
  __asan_unpoison_memory_region(stack_, stack_bytes_);
#endif
#ifdef REEL_FIBER_UCONTEXT
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = stack_bytes_;
  context_.uc_link = nullptr;
  makecontext(&context_, &Fiber::first, 0);
#else
  // What reel_switch_stack() pops: six registers and first() to return to; above it no caller.
  auto** top = reinterpret_cast<void**>(stack_ + stack_bytes_);
  top[-1] = nullptr;
  top[-2] = reinterpret_cast<void*>(&Fiber::first);
  for (int i = 3; i <= 8; ++i) top[-i] = nullptr;
  stack_pointer_ = top - 8;
#endif
}

void Fiber::first() {
#ifdef REEL_ASAN
  const void* bottom = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (left->stack_ == nullptr) {
    left->bounds_bottom_ = bottom;
    left->bounds_bytes_ = bytes;
  }
#endif
  entered->entry_();
  __builtin_unreachable();
}

void Fiber::switch_to(Fiber& from, Fiber& to, [[maybe_unused]] bool last) {
  left = &from;
  entered = &to;
#ifdef REEL_ASAN
  __sanitizer_start_switch_fiber(last ? nullptr : &from.sanitizer_stack_, to.bounds_bottom_,
                                 to.bounds_bytes_);
#endif
#ifdef REEL_FIBER_UCONTEXT
  swapcontext(&from.context_, &to.context_);
#else
  reel_switch_stack(&from.stack_pointer_, to.stack_pointer_);
#endif
#ifdef REEL_ASAN
  __sanitizer_finish_switch_fiber(from.sanitizer_stack_, nullptr, nullptr);
#endif
}

}  // namespace reel::cuda_host
