// SPDX-License-Identifier: Apache-2.0
#include "core/planned_memory.h"

#include <cstdint>
#include <cstring>

namespace reel {
namespace {

std::byte* aligned(std::byte* data) {
  const auto address = reinterpret_cast<uintptr_t>(data);
  return data + (RegionAllocator::kAlignment - address % RegionAllocator::kAlignment) %
                    RegionAllocator::kAlignment;
}

// GPU memory is aligned as it comes; the heap promises 64 bytes.
size_t with_slack(const MemorySpace& below, size_t size_bytes) {
  return below.is_host() ? size_bytes + RegionAllocator::kAlignment : size_bytes;
}

}  // namespace

PlannedMemory::PlannedMemory(MemorySpace& below, size_t size_bytes, const char* what)
    : MemoryLayer(below),
      region_(size_bytes, what),
      memory_(below.allocate(with_slack(below, size_bytes), what)),
      begin_(below.is_host() ? aligned(memory_) : memory_) {}

PlannedMemory::~PlannedMemory() { below_.free(memory_); }

std::byte* PlannedMemory::allocate(size_t size_bytes, const char* tag) {
  return begin_ + region_.allocate(size_bytes, tag);
}

void PlannedMemory::free(std::byte* data) {
  if (data == nullptr) return;
  region_.free(static_cast<uint64_t>(data - begin_));
}

}  // namespace reel
