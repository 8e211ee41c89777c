// SPDX-License-Identifier: Apache-2.0
// How a bulk copy sees a matrix in memory.
#pragma once

#include <cuda.h>

#include <cstdint>
#include <span>

namespace reel::cuda {

// An axis of a tensor of bytes and of the boxes that copies bring.
struct TensorAxis {
  int64_t size;
  int64_t stride;  // bytes, a multiple of 16; 1 for the first axis, whose box is 128 bytes
  int box;
};

// The map of a tensor that starts at `base`, a multiple of 16 bytes; boxes arrive with 128-byte
// swizzling. Throws kDeviceFailure when the driver refuses it.
CUtensorMap tensor_map(const void* base, std::span<const TensorAxis> axes);

}  // namespace reel::cuda
