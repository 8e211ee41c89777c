// SPDX-License-Identifier: Apache-2.0
// A memory space on top of another one.
#pragma once

#include "core/memory_space.h"

namespace reel {

// Says what is taken when; the bytes are those of the space below, which moves them.
class MemoryLayer : public MemorySpace {
 public:
  // `below` must outlive this object.
  explicit MemoryLayer(MemorySpace& below) : below_(below) {}

  void upload(void* to, const void* from, size_t size_bytes, Stream stream) final {
    below_.upload(to, from, size_bytes, stream);
  }
  void download(void* to, const void* from, size_t size_bytes, Stream stream) final {
    below_.download(to, from, size_bytes, stream);
  }
  void copy(void* to, const void* from, size_t size_bytes, Stream stream) final {
    below_.copy(to, from, size_bytes, stream);
  }
  void zero(void* to, size_t size_bytes, Stream stream) final {
    below_.zero(to, size_bytes, stream);
  }
  bool is_host() const final { return below_.is_host(); }

 protected:
  MemorySpace& below_;
};

}  // namespace reel
