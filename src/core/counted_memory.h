// SPDX-License-Identifier: Apache-2.0
// A memory space that counts what is taken from the one below it.
#pragma once

#include <unordered_map>

#include "core/memory_layer.h"
#include "core/memory_use.h"

namespace reel {

// Hands every call on and keeps count by tag. For one thread.
class CountedMemory : public MemoryLayer {
 public:
  // `below` must outlive this object, and this object what is taken from it.
  explicit CountedMemory(MemorySpace& below) : MemoryLayer(below) {}

  std::byte* allocate(size_t size_bytes, const char* tag) override;
  void free(std::byte* data) override;

  MemoryUse& use() { return use_; }
  const MemoryUse& use() const { return use_; }

 private:
  struct Part {
    size_t size_bytes;
    MemoryUse::Use* use;
  };

  MemoryUse use_;
  std::unordered_map<std::byte*, Part> taken_;
};

}  // namespace reel
