// SPDX-License-Identifier: Apache-2.0
// Where tensors live: the host's heap or a GPU's memory, and how bytes get from one to the other.
#pragma once

#include <cstddef>

#include "core/tensor.h"

namespace reel {

class MemorySpace {
 public:
  virtual ~MemorySpace() = default;

  // 64-byte aligned at least, uninitialised. `tag` says what for. Throws kOutOfMemory naming the
  // size and the tag.
  virtual std::byte* allocate(size_t size_bytes, const char* tag) = 0;
  virtual void free(std::byte* data) = 0;

  // Host memory to this space, in stream order. `from` may be changed once the call returns.
  virtual void upload(void* to, const void* from, size_t size_bytes, Stream stream) = 0;
  // This space to host memory; waits for the stream, since the result is read at once.
  virtual void download(void* to, const void* from, size_t size_bytes, Stream stream) = 0;
  // Within this space, in stream order.
  virtual void copy(void* to, const void* from, size_t size_bytes, Stream stream) = 0;
  // `rows` runs of `row_bytes` within this space, each a stride (in bytes) after the one before.
  virtual void copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride,
                         size_t row_bytes, size_t rows, Stream stream) = 0;
  virtual void zero(void* to, size_t size_bytes, Stream stream) = 0;
  // Until all that was submitted to the stream is done.
  virtual void wait(Stream stream) = 0;

  // Whether host code may read and write this memory through its pointers.
  virtual bool is_host() const = 0;
};

// The heap. Everything is done on return.
MemorySpace& host_memory();

}  // namespace reel
