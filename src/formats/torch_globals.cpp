// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_globals.h"

#include <array>

namespace reel::formats {
namespace {

using GlobalKind = TorchGlobal::Kind;

constexpr auto kGlobals = std::to_array<TorchGlobal>({
    {"collections", "OrderedDict", GlobalKind::kOrderedDict},
    {"torch", "Size", GlobalKind::kSize},
    {"torch._utils", "_rebuild_tensor_v2", GlobalKind::kTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", GlobalKind::kTensorV3},
    {"torch._utils", "_rebuild_parameter", GlobalKind::kParameter},
    {"torch._utils", "_rebuild_parameter_with_state", GlobalKind::kParameter},
    {"torch", "FloatStorage", GlobalKind::kStorage, DType::kF32},
    {"torch", "HalfStorage", GlobalKind::kStorage, DType::kF16},
    {"torch", "BFloat16Storage", GlobalKind::kStorage, DType::kBF16},
    {"torch", "CharStorage", GlobalKind::kStorage, DType::kI8},
    {"torch", "ByteStorage", GlobalKind::kStorage, DType::kU8},
    {"torch", "IntStorage", GlobalKind::kStorage, DType::kI32},
    {"torch", "LongStorage", GlobalKind::kStorage, DType::kI64},
    {"torch", "DoubleStorage", GlobalKind::kStorage, DType::kF64},
    {"torch.storage", "UntypedStorage", GlobalKind::kStorage, DType::kU8},
    {"torch", "float32", GlobalKind::kDtype, DType::kF32},
    {"torch", "float16", GlobalKind::kDtype, DType::kF16},
    {"torch", "bfloat16", GlobalKind::kDtype, DType::kBF16},
    {"torch", "float8_e4m3fn", GlobalKind::kDtype, DType::kF8E4M3},
    {"torch", "float8_e5m2", GlobalKind::kDtype, DType::kF8E5M2},
    {"torch", "int8", GlobalKind::kDtype, DType::kI8},
    {"torch", "uint8", GlobalKind::kDtype, DType::kU8},
    {"torch", "int32", GlobalKind::kDtype, DType::kI32},
    {"torch", "int64", GlobalKind::kDtype, DType::kI64},
    {"torch", "float64", GlobalKind::kDtype, DType::kF64},
});

const TorchGlobal* find_of_kind(GlobalKind kind, DType dtype) {
  for (const TorchGlobal& global : kGlobals) {
    if (global.kind == kind && global.dtype == dtype) return &global;
  }
  return nullptr;
}

}  // namespace

int find_torch_global(std::string_view module, std::string_view name) {
  for (size_t index = 0; index < kGlobals.size(); ++index) {
    if (kGlobals[index].module == module && kGlobals[index].name == name) {
      return static_cast<int>(index);
    }
  }
  return -1;
}

const TorchGlobal& torch_global(int index) { return kGlobals[static_cast<size_t>(index)]; }
const TorchGlobal* torch_storage_of(DType dtype) {
  return find_of_kind(GlobalKind::kStorage, dtype);
}
const TorchGlobal* torch_dtype_of(DType dtype) { return find_of_kind(GlobalKind::kDtype, dtype); }

}  // namespace reel::formats
