// SPDX-License-Identifier: Apache-2.0
// The names that a .pth file may ask for: this table is the security boundary of the reader.
#pragma once

#include <string_view>

#include "core/dtype.h"

namespace reel::formats {

struct TorchGlobal {
  enum class Kind {
    kOrderedDict,
    kSize,
    kTensorV2,
    kTensorV3,
    kParameter,
    kStorage,  // `dtype` of its elements; bytes when untyped
    kDtype,
  };
  std::string_view module;
  std::string_view name;
  Kind kind;
  DType dtype = DType::kU8;
};

// An index for torch_global(); -1 when the name is not in the table.
int find_torch_global(std::string_view module, std::string_view name);
const TorchGlobal& torch_global(int index);

// The storage class that PyTorch keeps numbers of this format in; null for float8, which it keeps
// in untyped bytes, and for formats that it does not have.
const TorchGlobal* torch_storage_of(DType dtype);
// Null for formats that PyTorch does not have.
const TorchGlobal* torch_dtype_of(DType dtype);

}  // namespace reel::formats
