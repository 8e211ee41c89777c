// SPDX-License-Identifier: Apache-2.0
// The memory of a GPU, by plain allocations of the driver.
#pragma once

#include "core/memory_space.h"

namespace reel::cuda {

class DeviceMemory : public MemorySpace {
 public:
  std::byte* allocate(size_t size_bytes, const char* tag) override;
  void free(std::byte* data) override;
  void upload(void* to, const void* from, size_t size_bytes, Stream stream) override;
  void download(void* to, const void* from, size_t size_bytes, Stream stream) override;
  // Also from another GPU's memory: an address says whose it is.
  void copy(void* to, const void* from, size_t size_bytes, Stream stream) override;
  void copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes,
                 size_t rows, Stream stream) override;
  void zero(void* to, size_t size_bytes, Stream stream) override;
  void wait(Stream stream) override;
  bool is_host() const override { return false; }
};

}  // namespace reel::cuda
