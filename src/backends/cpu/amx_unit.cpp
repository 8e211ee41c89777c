// SPDX-License-Identifier: Apache-2.0
#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "backends/cpu/amx_tiles.h"
#include "core/buffer.h"

#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif

namespace reel::cpu::amx {
namespace {

bool ask_for_tiles() {
  constexpr unsigned kBf16 = 1u << 22;
  constexpr unsigned kTiles = 1u << 24;
  constexpr unsigned kInt8 = 1u << 25;
  constexpr long kTileData = 18;  // the number of the tiles' state component
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & kBf16) == 0 || (edx & kTiles) == 0 || (edx & kInt8) == 0) return false;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, kTileData) == 0;
}

}  // namespace

bool available() {
  static const bool is = ask_for_tiles();
  return is;
}

std::byte* thread_scratch(int64_t bytes) {
  constexpr int64_t kFewest = int64_t{2} << 20;  // a huge page
  thread_local Buffer buffer;
  if (buffer.size_bytes() < static_cast<size_t>(bytes)) {
    buffer = Buffer();
    buffer = Buffer(static_cast<size_t>(std::max(kFewest, bytes)), "the CPU kernels' scratch");
  }
  return buffer.data();
}

}  // namespace reel::cpu::amx
