// SPDX-License-Identifier: Apache-2.0
// Source: LightX2V, tools/convert/quant/quant.py (weight_scale [rows, 1], block and microscaling
// formats); ComfyUI, comfy/ops.py and comfy/utils.py (scale_weight, weight_scale, comfy_quant).
#include "checkpoint/scales.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;
using formats::quoted_name;
using formats::TensorEntry;

constexpr const char* kRunsInstead =
    "FP8 and INT8 with one scale per row or per tensor, BF16, F16, F32 and GGUF run.";

[[noreturn]] void refuse(const Component& component, const TensorEntry& entry,
                         const std::string& what) {
  fail(ErrorCode::kUnsupported,
       str_cat(quoted(component.path), " is quantised as ", what, ", which is not read here (",
               quoted_name(entry.name), " is ", entry.dtype, ' ', entry.shape, ")."),
       kRunsInstead);
}

bool is_scale_leaf(std::string_view leaf) {
  return leaf == "weight_scale" || leaf == "scale_weight" || leaf == "weight_scale_inv";
}

// What a scale that is neither per tensor nor per row belongs to, told by its extents.
const char* block_scheme(const TensorEntry& weight, const TensorEntry& scale) {
  const int64_t rows = weight.shape[0];
  const int64_t width = weight.shape[1];
  if (rows == 0 || width == 0) return nullptr;
  if (scale.shape.axes() == 2 && scale.shape[0] == (rows + 127) / 128 &&
      scale.shape[1] == (width + 127) / 128) {
    return "8-bit numbers with a scale per block of 128 x 128";
  }
  const int64_t per_row = scale.shape.elements() / rows;
  if (weight.dtype == DType::kU8) {
    return per_row * 8 == width ? "NVFP4" : per_row * 16 == width ? "MXFP4" : "MXFP6";
  }
  return per_row * 32 == width ? "MXFP8" : nullptr;
}

// {"format": "float8_e4m3fn", ...}: what is said of one module. The scale's own shape tells whether
// it is per row.
void check_comfy_format(const nlohmann::json& json, const std::string& who,
                        const Component& component) {
  static constexpr std::array kRead = {"float8_e4m3fn", "float8_e4m3fn_rowwise", "float8_e5m2",
                                       "int8_tensorwise"};
  const bool has_format = json.is_object() && json.contains("format") && json["format"].is_string();
  REEL_REQUIRE(has_format, kBadFile,
               str_cat(quoted(component.path), ": ", who,
                       " is no description of a quantisation; JSON with a \"format\" is needed."),
               "The file is damaged.");
  const auto format = json["format"].get<std::string>();
  const bool is_rotated = json.contains("convrot") && json["convrot"] != false;
  REEL_REQUIRE(std::ranges::find(kRead, format) != kRead.end() && !is_rotated, kUnsupported,
               str_cat(quoted(component.path), " is quantised as ComfyUI's ", quoted_name(format),
                       is_rotated ? " with rotated weights" : "", ", as ", who,
                       " says; it is not read here."),
               kRunsInstead);
}

void check_comfy_tensor(const FoundScale& found, const Component& component) {
  constexpr uint64_t kMostBytes = 65536;
  std::string text(static_cast<size_t>(std::min(found.entry->size_bytes, kMostBytes)), '\0');
  found.file->read_range(*found.entry, 0, std::as_writable_bytes(std::span(text)));
  check_comfy_format(nlohmann::json::parse(text, nullptr, false),
                     "the tensor " + quoted_name(found.entry->name), component);
}

// {"layers": {"blocks.0.ffn.0": {"format": ...}, ...}}
void check_comfy_metadata(const formats::TensorFile& file, const Component& component) {
  const auto found = file.metadata().find("_quantization_metadata");
  if (found == file.metadata().end()) return;
  const auto json = nlohmann::json::parse(found->second, nullptr, false);
  if (!json.is_object() || !json.contains("layers") || !json["layers"].is_object()) return;
  for (const auto& [module, layer] : json["layers"].items()) {
    check_comfy_format(layer, "the metadata of " + quoted_name(module), component);
  }
}

ScaleStyle style_of(const TensorEntry& weight, const TensorEntry& scale,
                    const Component& component) {
  const bool is_float =
      scale.dtype == DType::kF32 || scale.dtype == DType::kBF16 || scale.dtype == DType::kF16;
  if (is_float && scale.shape.elements() == 1) return ScaleStyle::kPerTensor;
  if (is_float && weight.shape.axes() >= 1 && scale.shape.elements() == weight.shape[0]) {
    return ScaleStyle::kPerRow;
  }
  if (weight.shape.axes() == 2) {
    if (const char* scheme = block_scheme(weight, scale)) refuse(component, scale, scheme);
  }
  fail(ErrorCode::kBadFile,
       str_cat(quoted(component.path), ": ", quoted_name(scale.name), " is ", scale.dtype, ' ',
               scale.shape, " but its weight is ", weight.shape,
               "; one float number, or one per row, is needed."),
       "The file is damaged, or of a kind that is not read here.");
}

void refuse_foreign_quantisation(const FoundScale& found, const Component& component) {
  if (found.leaf == "weight_scale_2" || found.leaf.find("global_scale") != std::string_view::npos) {
    refuse(component, *found.entry, "NVFP4");
  }
  if (found.leaf == "comfy_quant") check_comfy_tensor(found, component);
}

void check_integers_have_scales(const Component& component) {
  for (const auto& [name, tensor] : component.tensors) {
    const DType dtype = tensor.entry->dtype;
    if (dtype == DType::kU8) refuse(component, *tensor.entry, "packed 4-bit numbers");
    REEL_REQUIRE(dtype != DType::kI8 || tensor.scale != nullptr, kBadFile,
                 str_cat(quoted(tensor.file->path()), ": ", quoted_name(tensor.entry->name),
                         " is int8 without \"", name.substr(0, name.rfind('.')),
                         ".weight_scale\"; its numbers mean nothing alone."),
                 "The file is damaged or incomplete.");
  }
}

}  // namespace

ScaleStyle attach_scales(const std::vector<FoundScale>& scales, Component& component) {
  for (const FoundScale& found : scales) refuse_foreign_quantisation(found, component);
  std::set<const formats::TensorFile*> files;
  for (const auto& [name, tensor] : component.tensors) files.insert(tensor.file.get());
  for (const formats::TensorFile* file : files) check_comfy_metadata(*file, component);
  ScaleStyle style = ScaleStyle::kNone;
  for (const FoundScale& found : scales) {
    const auto weight = component.tensors.find(found.module + ".weight");
    const bool is_needed = is_scale_leaf(found.leaf) && weight != component.tensors.end() &&
                           weight->second.scale == nullptr;
    if (!is_needed) {
      component.unread.push_back(found.entry->name);
      continue;
    }
    style = std::max(style, style_of(*weight->second.entry, *found.entry, component));
    weight->second.scale_file = found.file;
    weight->second.scale = found.entry;
  }
  check_integers_have_scales(component);
  return style;
}

}  // namespace reel::checkpoint
