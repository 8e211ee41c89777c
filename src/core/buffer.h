// SPDX-License-Identifier: Apache-2.0
// Memory with one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/memory_space.h"
#include "core/tensor.h"

namespace reel {

struct FreeInSpace {
  MemorySpace* space = nullptr;
  void operator()(std::byte* data) const { space->free(data); }
};

// 64-byte aligned, uninitialised. Move-only.
class Buffer {
 public:
  static constexpr size_t kAlignment = 64;

  Buffer() = default;
  // Host memory. Throws kOutOfMemory, naming the size and `what`.
  explicit Buffer(size_t size_bytes, const char* what = "buffer")
      : Buffer(host_memory(), size_bytes, what) {}
  // `space` must outlive the buffer.
  Buffer(MemorySpace& space, size_t size_bytes, const char* what);

  std::byte* data() const { return data_.get(); }
  size_t size_bytes() const { return size_bytes_; }
  std::span<std::byte> bytes() const { return {data_.get(), size_bytes_}; }

 private:
  std::unique_ptr<std::byte, FreeInSpace> data_;
  size_t size_bytes_ = 0;
};

// A tensor with its memory.
class Tensor {
 public:
  Tensor() = default;
  // In host memory.
  Tensor(DType dtype, const Shape& shape, const char* what = "tensor")
      : Tensor(host_memory(), dtype, shape, what) {}
  Tensor(MemorySpace& space, DType dtype, const Shape& shape, const char* what);

  const TensorView& view() const { return view_; }
  operator const TensorView&() const { return view_; }  // NOLINT: a Tensor is usable as its view
  const Shape& shape() const { return view_.shape; }
  DType dtype() const { return view_.dtype; }
  bool empty() const { return view_.data == nullptr; }
  // Host memory only, as bytes() below.
  template <typename T>
  std::span<T> values() const {
    return {view_.as<T>(), static_cast<size_t>(view_.elements())};
  }
  std::span<std::byte> bytes() const { return buffer_.bytes(); }

 private:
  Buffer buffer_;
  TensorView view_;
};

}  // namespace reel
