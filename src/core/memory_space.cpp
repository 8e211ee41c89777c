// SPDX-License-Identifier: Apache-2.0
#include "core/memory_space.h"

#include <cstdlib>
#include <cstring>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel {
namespace {

constexpr size_t kAlignment = 64;

class HostMemory : public MemorySpace {
 public:
  std::byte* allocate(size_t size_bytes, const char* tag) override {
    const size_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
    auto* const data = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
    REEL_REQUIRE(
        data != nullptr, kOutOfMemory,
        str_cat("The system has no ", format_bytes(size_bytes), " of memory left for ", tag, '.'),
        "Use a smaller --size or fewer --frames.");
    return data;
  }
  void free(std::byte* data) override { std::free(data); }
  void upload(void* to, const void* from, size_t size_bytes, Stream) override {
    std::memcpy(to, from, size_bytes);
  }
  void download(void* to, const void* from, size_t size_bytes, Stream) override {
    std::memcpy(to, from, size_bytes);
  }
  void copy(void* to, const void* from, size_t size_bytes, Stream) override {
    std::memcpy(to, from, size_bytes);
  }
  void zero(void* to, size_t size_bytes, Stream) override { std::memset(to, 0, size_bytes); }
  bool is_host() const override { return true; }
};

}  // namespace

MemorySpace& host_memory() {
  static HostMemory heap;
  return heap;
}

}  // namespace reel
