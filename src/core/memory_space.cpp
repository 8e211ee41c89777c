// SPDX-License-Identifier: Apache-2.0
#include "core/memory_space.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

// Reading weights in 4 KB pages is bound by address translation.
void ask_for_huge_pages(std::byte* data, size_t size_bytes) {
  // What the system does not grant costs only speed.
  madvise(data, size_bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
}

// Nothing may lie at a null pointer, which std::memcpy refuses whatever the size.
void copy_bytes(void* to, const void* from, size_t size_bytes) {
  if (size_bytes > 0) std::memcpy(to, from, size_bytes);
}

class HostMemory : public MemorySpace {
 public:
  std::byte* allocate(size_t size_bytes, const char* tag) override {
    const size_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
    const bool is_large = size_bytes >= kHugePage;
    void* allocated = nullptr;
    // Unlike aligned_alloc, this takes a size that is no multiple of the alignment.
    const int failed = posix_memalign(&allocated, is_large ? kHugePage : kAlignment, rounded);
    auto* const data = failed != 0 ? nullptr : static_cast<std::byte*>(allocated);
    REEL_REQUIRE(
        data != nullptr, kOutOfMemory,
        str_cat("The system has no ", format_bytes(size_bytes), " of memory left for ", tag, '.'),
        "Use a smaller --size or fewer --frames.");
    if (is_large) ask_for_huge_pages(data, size_bytes);
    return data;
  }
  void free(std::byte* data) override { std::free(data); }
  void upload(void* to, const void* from, size_t size_bytes, Stream) override {
    copy_bytes(to, from, size_bytes);
  }
  void download(void* to, const void* from, size_t size_bytes, Stream) override {
    copy_bytes(to, from, size_bytes);
  }
  void copy(void* to, const void* from, size_t size_bytes, Stream) override {
    copy_bytes(to, from, size_bytes);
  }
  void copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes,
                 size_t rows, Stream) override {
    for (size_t row = 0; row < rows; ++row) {
      copy_bytes(static_cast<std::byte*>(to) + row * to_stride,
                 static_cast<const std::byte*>(from) + row * from_stride, row_bytes);
    }
  }
  void zero(void* to, size_t size_bytes, Stream) override {
    if (size_bytes > 0) std::memset(to, 0, size_bytes);
  }
  void wait(Stream) override {}
  bool is_host() const override { return true; }
};

}  // namespace

MemorySpace& host_memory() {
  static HostMemory heap;
  return heap;
}

}  // namespace reel
