// SPDX-License-Identifier: Apache-2.0
// Shared<T> on the CPU.
#pragma once

#include "cuda_host/machine.h"

namespace reel::cuda::device {

template <typename T>
class Shared {
  static_assert(alignof(T) <= 128, "shared memory starts at a multiple of 128 bytes");

 public:
  T& operator*() const { return *static_cast<T*>(cuda_host::shared_memory(sizeof(T))); }
  T* operator->() const { return &**this; }
};

}  // namespace reel::cuda::device
