// SPDX-License-Identifier: Apache-2.0
// Bulk copies of boxes of a tensor from global to shared memory, by one thread (capability 9.0; PTX
// ISA, "cp.async.bulk.tensor"). The tensor map, a __grid_constant__ parameter of the kernel, holds
// the size of the box and how its bytes are swizzled; what lies outside of the tensor becomes zero.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/mbarrier.cuh"

namespace reel::cuda::device {

// The box at (c0, c1), c0 in the innermost axis; `full` counts its bytes.
__device__ inline void copy_box(void* shared, const CUtensorMap& map, Mbarrier& full, int c0,
                                int c1) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4}], [%2];" ::"r"(shared_address(shared)),
      "l"(&map), "r"(shared_address(&full)), "r"(c0), "r"(c1)
      : "memory");
}

// The box at (c0, c1, c2).
__device__ inline void copy_box(void* shared, const CUtensorMap& map, Mbarrier& full, int c0,
                                int c1, int c2) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4, %5}], [%2];" ::"r"(shared_address(shared)),
      "l"(&map), "r"(shared_address(&full)), "r"(c0), "r"(c1), "r"(c2)
      : "memory");
}

// To the same place of every block in the bits of `blocks`, and counted by each one's own `full`.
__device__ inline void copy_box_to(uint16_t blocks, void* shared, const CUtensorMap& map,
                                   Mbarrier& full, int c0, int c1, int c2) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%4, %5, %6}], [%2], %3;" ::"r"(shared_address(shared)),
      "l"(&map), "r"(shared_address(&full)), "h"(blocks), "r"(c0), "r"(c1), "r"(c2)
      : "memory");
}
__device__ inline void copy_box_to(uint16_t blocks, void* shared, const CUtensorMap& map,
                                   Mbarrier& full, int c0, int c1, int c2, int c3, int c4) {
  asm volatile(
      "cp.async.bulk.tensor.5d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%4, %5, %6, %7, %8}], [%2], %3;" ::"r"(
          shared_address(shared)),
      "l"(&map), "r"(shared_address(&full)), "h"(blocks), "r"(c0), "r"(c1), "r"(c2), "r"(c3),
      "r"(c4)
      : "memory");
}

// `bytes` in a row, a multiple of 16 as both addresses; likewise.
__device__ inline void copy_bytes_to(uint16_t blocks, void* shared, const void* from,
                                     uint32_t bytes, Mbarrier& full) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1], %2, [%3], %4;" ::"r"(shared_address(shared)),
      "l"(from), "r"(bytes), "r"(shared_address(&full)), "h"(blocks)
      : "memory");
}

}  // namespace reel::cuda::device
