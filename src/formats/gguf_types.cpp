// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf_types.h"

namespace reel::formats {
namespace {

struct GgmlType {
  uint32_t type;
  DType dtype;
};

// enum ggml_type of ggml/include/ggml.h.
constexpr GgmlType kGgmlTypes[] = {
    {0, DType::kF32},   {1, DType::kF16},   {2, DType::kQ4_0},  {3, DType::kQ4_1},
    {6, DType::kQ5_0},  {7, DType::kQ5_1},  {8, DType::kQ8_0},  {10, DType::kQ2_K},
    {11, DType::kQ3_K}, {12, DType::kQ4_K}, {13, DType::kQ5_K}, {14, DType::kQ6_K},
    {24, DType::kI8},   {26, DType::kI32},  {27, DType::kI64},  {28, DType::kF64},
    {30, DType::kBF16},
};

}  // namespace

std::optional<DType> dtype_from_ggml(uint32_t type) {
  for (const GgmlType& row : kGgmlTypes) {
    if (row.type == type) return row.dtype;
  }
  return std::nullopt;
}

std::optional<uint32_t> ggml_type_of(DType dtype) {
  for (const GgmlType& row : kGgmlTypes) {
    if (row.dtype == dtype) return row.type;
  }
  return std::nullopt;
}

}  // namespace reel::formats
