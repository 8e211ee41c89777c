// SPDX-License-Identifier: Apache-2.0
#include "core/counted_memory.h"

#include <cassert>

namespace reel {

std::byte* CountedMemory::allocate(size_t size_bytes, const char* tag) {
  std::byte* const data = below_.allocate(size_bytes, tag);
  taken_.emplace(data, Part{.size_bytes = size_bytes, .use = &use_.take(size_bytes, tag)});
  return data;
}

void CountedMemory::free(std::byte* data) {
  if (data == nullptr) return;
  const auto taken = taken_.find(data);
  assert(taken != taken_.end());
  use_.give_back(taken->second.size_bytes, *taken->second.use);
  taken_.erase(taken);
  below_.free(data);
}

void CountedMemory::upload(void* to, const void* from, size_t size_bytes, Stream stream) {
  below_.upload(to, from, size_bytes, stream);
}

void CountedMemory::download(void* to, const void* from, size_t size_bytes, Stream stream) {
  below_.download(to, from, size_bytes, stream);
}

void CountedMemory::copy(void* to, const void* from, size_t size_bytes, Stream stream) {
  below_.copy(to, from, size_bytes, stream);
}

void CountedMemory::zero(void* to, size_t size_bytes, Stream stream) {
  below_.zero(to, size_bytes, stream);
}

}  // namespace reel
