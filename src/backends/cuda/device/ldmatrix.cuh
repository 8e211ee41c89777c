// SPDX-License-Identifier: Apache-2.0
// Eight-by-eight matrices of 16-bit elements from shared memory into the registers mma wants.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

// `row` is the address of 16 bytes of shared memory, a multiple of 16: lane 8 m + r gives row r of
// matrix m. Lane 4 r + c then holds elements 2 c and 2 c + 1 of row r of matrix m in r[m]; with
// _trans, elements 2 c and 2 c + 1 of column r. The x2 forms take the rows of lanes 0 to 15.
__device__ inline void ldmatrix_x4(uint32_t (&r)[4], const void* row) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}

__device__ inline void ldmatrix_x2(uint32_t (&r)[2], const void* row) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(at)
               : "memory");
}

__device__ inline void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}

__device__ inline void ldmatrix_x2_trans(uint32_t (&r)[2], const void* row) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(at)
               : "memory");
}

}  // namespace reel::cuda::device
