// SPDX-License-Identifier: Apache-2.0
// What safetensors calls our number formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/dtype.h"

namespace reel::formats {

std::optional<DType> dtype_from_safetensors(std::string_view name);
// Null for formats that safetensors cannot hold.
const char* safetensors_dtype_name(DType dtype);
// "F64, F32, ..."
std::string safetensors_dtype_list();

}  // namespace reel::formats
