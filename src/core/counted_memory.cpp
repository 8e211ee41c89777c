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

}  // namespace reel
