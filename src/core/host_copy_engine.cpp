// SPDX-License-Identifier: Apache-2.0
#include "core/host_copy_engine.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPageBytes = 4096;

Clock::time_point& time_of(Event event) { return *static_cast<Clock::time_point*>(event.handle); }

}  // namespace

std::byte* HostCopyEngine::allocate_pinned(size_t size_bytes, const char* tag) {
  const size_t rounded = (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  auto* const data = static_cast<std::byte*>(std::aligned_alloc(kPageBytes, rounded));
  REEL_REQUIRE(
      data != nullptr, kOutOfMemory,
      str_cat("The system has no ", format_bytes(size_bytes), " of memory left for ", tag, '.'));
  return data;
}

void HostCopyEngine::free_pinned(std::byte* data) { std::free(data); }

void HostCopyEngine::copy_to_device(void* to, const void* from, size_t size_bytes) {
  std::memcpy(to, from, size_bytes);
}

void HostCopyEngine::copy_to_host(void* to, const void* from, size_t size_bytes, Stream) {
  std::memcpy(to, from, size_bytes);
}

Event HostCopyEngine::make_event() { return {new Clock::time_point{}}; }

void HostCopyEngine::destroy_event(Event event) { delete &time_of(event); }

void HostCopyEngine::record(Event event, Stream) { time_of(event) = Clock::now(); }

double HostCopyEngine::seconds_between(Event begin, Event end) {
  return std::chrono::duration<double>(time_of(end) - time_of(begin)).count();
}

}  // namespace reel
