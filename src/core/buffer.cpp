// SPDX-License-Identifier: Apache-2.0
#include "core/buffer.h"

namespace reel {

Buffer::Buffer(MemorySpace& space, size_t size_bytes, const char* what)
    : data_(size_bytes == 0 ? nullptr : space.allocate(size_bytes, what), FreeInSpace{&space}),
      size_bytes_(size_bytes) {}

Tensor::Tensor(MemorySpace& space, DType dtype, const Shape& shape, const char* what)
    : buffer_(space, static_cast<size_t>(storage_bytes(dtype, shape.elements())), what),
      view_{.data = buffer_.data(), .dtype = dtype, .shape = shape} {}

}  // namespace reel
