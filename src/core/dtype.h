// SPDX-License-Identifier: Apache-2.0
// The number formats a tensor can be stored or computed in.
#pragma once

#include <cstdint>
#include <iosfwd>

namespace reel {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  // OCP e4m3fn: no infinity, largest 448
  kF8E5M2,
  kI8,
  kU8,
  kI32,
  kI64,
  kF64,
  // ggml block formats: a block of block_elements() values shares scales.
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
};

// 1 for plain numbers, 32 or 256 for block formats.
int64_t block_elements(DType dtype);
// Bytes of one block (of one number for plain formats).
int64_t block_bytes(DType dtype);
// Bytes of `elements` values, which must be a multiple of block_elements().
inline int64_t storage_bytes(DType dtype, int64_t elements) {
  return elements / block_elements(dtype) * block_bytes(dtype);
}
inline bool is_block_format(DType dtype) { return dtype >= DType::kQ8_0; }

// "f32", "bf16", "f8_e4m3", "q4_k", ...
const char* dtype_name(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

}  // namespace reel
