// SPDX-License-Identifier: Apache-2.0
#include "core/buffer.h"

#include <cstdlib>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel {

Buffer::Buffer(size_t size_bytes, const char* what) : size_bytes_(size_bytes) {
  const size_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (rounded == 0) return;
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded)));
  REEL_REQUIRE(
      data_ != nullptr, kOutOfMemory,
      str_cat("The system has no ", format_bytes(size_bytes), " of memory left for ", what, '.'),
      "Use a smaller --size or fewer --frames.");
}

void Buffer::Free::operator()(std::byte* data) const { std::free(data); }

Tensor::Tensor(DType dtype, const Shape& shape, const char* what)
    : buffer_(static_cast<size_t>(storage_bytes(dtype, shape.elements())), what),
      view_{.data = buffer_.data(), .dtype = dtype, .shape = shape} {}

}  // namespace reel
