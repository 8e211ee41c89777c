// SPDX-License-Identifier: Apache-2.0
// A tensor where a backend computes, made from one on the host.
#pragma once

#include "core/buffer.h"
#include "core/memory_space.h"

namespace reel::test {

class DeviceTensor {
 public:
  DeviceTensor(MemorySpace& memory, const Tensor& host)
      : memory_(memory), view_(host.view()), data_(memory.allocate(size_bytes(), "test")) {
    memory.upload(data_, host.view().data, size_bytes(), {});
    view_.data = data_;
  }
  ~DeviceTensor() { memory_.free(data_); }
  DeviceTensor(const DeviceTensor&) = delete;
  DeviceTensor& operator=(const DeviceTensor&) = delete;

  TensorView view() const { return view_; }
  void* data() const { return data_; }

  Tensor download() const {
    Tensor host(view_.dtype, view_.shape);
    memory_.download(host.view().data, data_, size_bytes(), {});
    return host;
  }

 private:
  size_t size_bytes() const { return static_cast<size_t>(view_.size_bytes()); }

  MemorySpace& memory_;
  TensorView view_;
  std::byte* data_;
};

}  // namespace reel::test
