// SPDX-License-Identifier: Apache-2.0
// Loads and stores of kernels, as the compiler reports them: clang with
// -fsanitize-coverage=func,trace-loads,trace-stores, gcc with -fsanitize=thread, whose run-time
// library stays out. Struct copies come as calls of AddressSanitizer's memcpy, which the linker
// leads here.
#include <cstddef>
#include <cstdint>

#include "cuda_host/shared_memory.h"

namespace {

using reel::cuda_host::plain_access;

// The caller of the hook: one before the address it returns to, so that the line is its own.
#define REEL_CALLER (static_cast<const char*>(__builtin_return_address(0)) - 1)

}  // namespace

extern "C" {

#if defined(__clang__)

#define REEL_HOOK(bytes, type)                                                                \
  void __sanitizer_cov_load##bytes(type* at) { plain_access(at, bytes, false, REEL_CALLER); } \
  void __sanitizer_cov_store##bytes(type* at) { plain_access(at, bytes, true, REEL_CALLER); }
REEL_HOOK(1, uint8_t)
REEL_HOOK(2, uint16_t)
REEL_HOOK(4, uint32_t)
REEL_HOOK(8, uint64_t)
REEL_HOOK(16, void)

#ifdef REEL_WRAPPED_MEMORY_FUNCTIONS
void* __real___asan_memcpy(void* to, const void* from, size_t bytes);
void* __real___asan_memmove(void* to, const void* from, size_t bytes);
void* __real___asan_memset(void* to, int value, size_t bytes);

void* __wrap___asan_memcpy(void* to, const void* from, size_t bytes) {
  plain_access(from, bytes, false, REEL_CALLER);
  plain_access(to, bytes, true, REEL_CALLER);
  return __real___asan_memcpy(to, from, bytes);
}
void* __wrap___asan_memmove(void* to, const void* from, size_t bytes) {
  plain_access(from, bytes, false, REEL_CALLER);
  plain_access(to, bytes, true, REEL_CALLER);
  return __real___asan_memmove(to, from, bytes);
}
void* __wrap___asan_memset(void* to, int value, size_t bytes) {
  plain_access(to, bytes, true, REEL_CALLER);
  return __real___asan_memset(to, value, bytes);
}
#endif

#else

#define REEL_HOOK(bytes)                                                                       \
  void __tsan_read##bytes(void* at) { plain_access(at, bytes, false, REEL_CALLER); }           \
  void __tsan_write##bytes(void* at) { plain_access(at, bytes, true, REEL_CALLER); }           \
  void __tsan_unaligned_read##bytes(void* at) { plain_access(at, bytes, false, REEL_CALLER); } \
  void __tsan_unaligned_write##bytes(void* at) { plain_access(at, bytes, true, REEL_CALLER); }
REEL_HOOK(1)
REEL_HOOK(2)
REEL_HOOK(4)
REEL_HOOK(8)
REEL_HOOK(16)

void __tsan_read_range(void* at, size_t bytes) { plain_access(at, bytes, false, REEL_CALLER); }
void __tsan_write_range(void* at, size_t bytes) { plain_access(at, bytes, true, REEL_CALLER); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

// Atomics of host code beside the kernels: guards of static variables, counts of shared pointers.
uint8_t __tsan_atomic8_load(const volatile uint8_t* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
uint32_t __tsan_atomic32_load(const volatile uint32_t* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
uint32_t __tsan_atomic32_fetch_add(volatile uint32_t* at, uint32_t value, int) {
  return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}
uint32_t __tsan_atomic32_fetch_sub(volatile uint32_t* at, uint32_t value, int) {
  return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);
}

#endif

}  // extern "C"
