// SPDX-License-Identifier: Apache-2.0
// The numbers that GGUF gives to formats and metadata types.
#pragma once

#include <cstdint>
#include <optional>

#include "core/dtype.h"

namespace reel::formats {

enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

constexpr uint64_t kGgufDefaultAlignment = 32;

std::optional<DType> dtype_from_ggml(uint32_t type);
// Nothing for formats that ggml does not have.
std::optional<uint32_t> ggml_type_of(DType dtype);

}  // namespace reel::formats
