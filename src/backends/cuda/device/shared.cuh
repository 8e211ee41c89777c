// SPDX-License-Identifier: Apache-2.0
// The dynamic shared memory of a block, seen as one T.
#pragma once

#include <cuda_runtime.h>

namespace reel::cuda::device {

// A kernel has one; several arrays go in a struct. Its launch asks for sizeof(T) bytes or more.
// The bytes are undefined when a block starts. alignof(T) may be up to 1024.
template <typename T>
class Shared {
  static_assert(alignof(T) <= 1024, "shared memory starts at a multiple of 1024 bytes");

 public:
  __device__ T& operator*() const {
    extern __shared__ __align__(1024) unsigned char bytes[];
    return *reinterpret_cast<T*>(bytes);
  }
  __device__ T* operator->() const { return &**this; }
};

}  // namespace reel::cuda::device
