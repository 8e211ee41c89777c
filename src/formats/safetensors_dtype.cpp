// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_dtype.h"

namespace reel::formats {
namespace {

struct SafetensorsDtype {
  const char* name;
  DType dtype;
};

constexpr SafetensorsDtype kSafetensorsDtypes[] = {
    {"F64", DType::kF64},   {"F32", DType::kF32},        {"F16", DType::kF16},
    {"BF16", DType::kBF16}, {"F8_E4M3", DType::kF8E4M3}, {"F8_E5M2", DType::kF8E5M2},
    {"I64", DType::kI64},   {"I32", DType::kI32},        {"I8", DType::kI8},
    {"U8", DType::kU8},
};

}  // namespace

std::optional<DType> dtype_from_safetensors(std::string_view name) {
  for (const SafetensorsDtype& row : kSafetensorsDtypes) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

const char* safetensors_dtype_name(DType dtype) {
  for (const SafetensorsDtype& row : kSafetensorsDtypes) {
    if (row.dtype == dtype) return row.name;
  }
  return nullptr;
}

std::string safetensors_dtype_list() {
  std::string list;
  for (const SafetensorsDtype& row : kSafetensorsDtypes)
    list += (list.empty() ? "" : ", ") + std::string(row.name);
  return list;
}

}  // namespace reel::formats
