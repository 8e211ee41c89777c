// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_files.h"

#include <cstring>

#include "base/error.h"
#include "formats/safetensors_writer.h"
#include "formats/tensor_file.h"

namespace reel::pipeline {

void StageFile::add_copy(std::string name, const Tensor& tensor) {
  Tensor copy(tensor.dtype(), tensor.shape());
  std::memcpy(copy.bytes().data(), tensor.bytes().data(), copy.bytes().size());
  add(std::move(name), std::move(copy));
}

const Tensor* StageFile::find(const std::string& name) const {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return &tensor;
  }
  return nullptr;
}

void write_stage_file(const std::filesystem::path& path, const StageFile& file) {
  std::vector<formats::TensorSpec> specs;
  for (const auto& [name, tensor] : file.tensors) {
    specs.push_back({name, tensor.dtype(), tensor.shape()});
  }
  const auto writer = formats::start_safetensors(path, specs, file.metadata);
  for (const auto& [name, tensor] : file.tensors) {
    writer->append({tensor.bytes().data(), static_cast<size_t>(tensor.view().size_bytes())});
  }
  writer->commit();
}

StageFile read_stage_file(const std::filesystem::path& path) {
  const auto file = formats::open_tensor_file(path);
  StageFile stage{.tensors = {}, .metadata = file->metadata()};
  for (const formats::TensorEntry& entry : file->entries()) {
    Tensor tensor(entry.dtype, entry.shape, "a stage file");
    file->read(entry, {tensor.bytes().data(), static_cast<size_t>(tensor.view().size_bytes())});
    stage.add(entry.name, std::move(tensor));
  }
  return stage;
}

Tensor take_f32(StageFile& file, const std::string& name, const std::filesystem::path& path) {
  for (auto& [key, tensor] : file.tensors) {
    if (key != name) continue;
    REEL_REQUIRE(
        tensor.dtype() == DType::kF32, kBadFile,
        str_cat('"', path.string(), "\": \"", name, "\" is ", tensor.dtype(), "; f32 is needed."));
    return std::move(tensor);
  }
  std::string names;
  for (const auto& [key, tensor] : file.tensors)
    names += (names.empty() ? "\"" : ", \"") + key + '"';
  fail(ErrorCode::kBadFile,
       str_cat('"', path.string(), "\" has no \"", name, "\" (it has ",
               names.empty() ? "nothing" : names, ")."),
       "Make it with reel encode-text or reel denoise.");
}

}  // namespace reel::pipeline
