// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/plan.h"

#include <cstdio>
#include <string_view>

#include "base/error.h"
#include "formats/safetensors_writer.h"
#include "formats/torch_zip_writer.h"

namespace reel::synth {
namespace {

constexpr float kRowScaleFloor = 1e-5f;

uint64_t bytes_of(const TensorPlan& tensor) {
  return static_cast<uint64_t>(storage_bytes(tensor.spec.dtype, tensor.spec.shape.elements()));
}

std::string shard_name(const std::string& stem, size_t number, size_t count) {
  char suffix[48];
  std::snprintf(suffix, sizeof suffix, "-%05zu-of-%05zu.safetensors", number, count);
  return stem + suffix;
}

}  // namespace

uint64_t tensor_bytes(const FilePlan& file) {
  uint64_t sum = 0;
  for (const TensorPlan& tensor : file.tensors) sum += bytes_of(tensor);
  return sum;
}

uint64_t Plan::tensor_bytes() const {
  uint64_t sum = 0;
  for (const FilePlan& file : files) sum += synth::tensor_bytes(file);
  return sum;
}

Plan plan_layout(const Model& model, const std::string& layout) {
  constexpr std::string_view kGguf = "gguf:", kLora = "lora:", kDecoder = "decoder:";
  Plan plan;
  if (layout == "distill_fp8") {
    add_distill(plan, model, DType::kF8E4M3);
  } else if (layout == "distill_int8") {
    add_distill(plan, model, DType::kI8);
  } else if (layout == "bf16") {
    add_distill_bf16(plan, model);
  } else if (layout == "official") {
    add_official(plan, model);
  } else if (layout == "comfy_fp8") {
    add_comfy_fp8(plan, model);
  } else if (layout == "diffusers") {
    add_diffusers(plan, model);
  } else if (layout.starts_with(kGguf)) {
    add_gguf(plan, model, layout.substr(kGguf.size()));
  } else if (layout.starts_with(kLora)) {
    add_lora(plan, model, layout.substr(kLora.size()));
  } else if (layout.starts_with(kDecoder)) {
    add_decoder(plan, model, layout.substr(kDecoder.size()));
  } else {
    fail(ErrorCode::kInvalidArgument, str_cat("There is no layout \"", layout, "\"."),
         "Known are distill_fp8, distill_int8, bf16, official, comfy_fp8, diffusers, gguf:<type>, "
         "lora:<style> and decoder:<file>.");
  }
  return plan;
}

StartWriter safetensors_writer() {
  return [](const std::filesystem::path& path, std::vector<formats::TensorSpec> tensors) {
    return formats::start_safetensors(path, std::move(tensors), {{"format", "pt"}});
  };
}

StartWriter dit_writer(const Model& model) {
  if (model.kind.empty()) return safetensors_writer();
  return [kind = model.kind](const std::filesystem::path& path,
                             std::vector<formats::TensorSpec> tensors) {
    return formats::start_safetensors(path, std::move(tensors),
                                      {{"format", "pt"}, {"checkpoint_kind", kind}});
  };
}

StartWriter torch_zip_writer() { return formats::start_torch_zip; }

TensorPlan rounded(const SourceTensor& tensor, DType dtype) {
  return {.spec = {.name = tensor.name, .dtype = dtype, .shape = tensor.shape},
          .content = Content::kRounded,
          .values = tensor.values};
}

void add_row_scaled(std::vector<TensorPlan>& all, const SourceTensor& tensor, DType dtype,
                    DType scale_dtype) {
  TensorPlan matrix = rounded(tensor, dtype);
  matrix.content = Content::kRowScaled;
  matrix.scale_floor = kRowScaleFloor;
  matrix.scale_dtype = scale_dtype;
  all.push_back(std::move(matrix));
  all.push_back({.spec = {.name = tensor.name + "_scale",
                          .dtype = scale_dtype,
                          .shape = {tensor.shape[0], 1}},
                 .content = Content::kScales});
}

std::vector<TensorPlan> all_rounded(const std::vector<SourceTensor>& tensors, DType dtype) {
  std::vector<TensorPlan> all;
  all.reserve(tensors.size());
  for (const SourceTensor& tensor : tensors) all.push_back(rounded(tensor, dtype));
  return all;
}

void add_shards(Plan& plan, const std::string& stem, const StartWriter& start,
                std::vector<TensorPlan> tensors, size_t count) {
  uint64_t total = 0;
  for (const TensorPlan& tensor : tensors) total += bytes_of(tensor);
  const size_t first_file = plan.files.size();
  for (size_t number = 1; number <= count; ++number) {
    plan.files.push_back({.name = shard_name(stem, number, count), .start = start, .tensors = {}});
  }
  uint64_t before = 0;
  for (TensorPlan& tensor : tensors) {
    const size_t shard = std::min<size_t>(before * count / total, count - 1);
    before += bytes_of(tensor);
    plan.files[first_file + shard].tensors.push_back(std::move(tensor));
  }
  plan.indexes.push_back({.name = stem + ".safetensors.index.json",
                          .first_file = first_file,
                          .file_count = count,
                          .counts_headers = false});
}

}  // namespace reel::synth
