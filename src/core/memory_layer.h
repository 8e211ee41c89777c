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
  void copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes,
                 size_t rows, Stream stream) final {
    below_.copy_rows(to, to_stride, from, from_stride, row_bytes, rows, stream);
  }
  void zero(void* to, size_t size_bytes, Stream stream) final {
    below_.zero(to, size_bytes, stream);
  }
  void wait(Stream stream) final { below_.wait(stream); }
  bool is_host() const final { return below_.is_host(); }

 protected:
  MemorySpace& below_;
};

}  // namespace reel
