// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_globals.h"

#include <array>

namespace reel::formats {
namespace {

using Kind = TorchGlobal::Kind;

constexpr auto kGlobals = std::to_array<TorchGlobal>({
    {"collections", "OrderedDict", Kind::kOrderedDict},
    {"torch", "Size", Kind::kSize},
    {"torch._utils", "_rebuild_tensor_v2", Kind::kTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", Kind::kTensorV3},
    {"torch._utils", "_rebuild_parameter", Kind::kParameter},
    {"torch._utils", "_rebuild_parameter_with_state", Kind::kParameter},
    {"torch", "FloatStorage", Kind::kStorage, DType::kF32},
    {"torch", "HalfStorage", Kind::kStorage, DType::kF16},
    {"torch", "BFloat16Storage", Kind::kStorage, DType::kBF16},
    {"torch", "CharStorage", Kind::kStorage, DType::kI8},
    {"torch", "ByteStorage", Kind::kStorage, DType::kU8},
    {"torch", "IntStorage", Kind::kStorage, DType::kI32},
    {"torch", "LongStorage", Kind::kStorage, DType::kI64},
    {"torch", "DoubleStorage", Kind::kStorage, DType::kF64},
    {"torch.storage", "UntypedStorage", Kind::kStorage, DType::kU8},
    {"torch", "float32", Kind::kDtype, DType::kF32},
    {"torch", "float16", Kind::kDtype, DType::kF16},
    {"torch", "bfloat16", Kind::kDtype, DType::kBF16},
    {"torch", "float8_e4m3fn", Kind::kDtype, DType::kF8E4M3},
    {"torch", "float8_e5m2", Kind::kDtype, DType::kF8E5M2},
    {"torch", "int8", Kind::kDtype, DType::kI8},
    {"torch", "uint8", Kind::kDtype, DType::kU8},
    {"torch", "int32", Kind::kDtype, DType::kI32},
    {"torch", "int64", Kind::kDtype, DType::kI64},
    {"torch", "float64", Kind::kDtype, DType::kF64},
});

const TorchGlobal* find_of_kind(Kind kind, DType dtype) {
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
const TorchGlobal* torch_storage_of(DType dtype) { return find_of_kind(Kind::kStorage, dtype); }
const TorchGlobal* torch_dtype_of(DType dtype) { return find_of_kind(Kind::kDtype, dtype); }

}  // namespace reel::formats
