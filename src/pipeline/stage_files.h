// SPDX-License-Identifier: Apache-2.0
// The safetensors files that join the stages (docs: reel/stages.h).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer.h"

namespace reel::pipeline {

// Named tensors with string metadata, held whole: stage files are small beside weights.
struct StageFile {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;

  void add(std::string name, Tensor tensor) {
    tensors.emplace_back(std::move(name), std::move(tensor));
  }
  void add_copy(std::string name, const Tensor& tensor);
  const Tensor* find(const std::string& name) const;
};

// Throws kIo.
void write_stage_file(const std::filesystem::path& path, const StageFile& file);
// All tensors of a safetensors file. Throws kNotFound, kBadFile.
StageFile read_stage_file(const std::filesystem::path& path);
// One f32 tensor that must be there. Throws kBadFile naming it, the file and what it has instead.
Tensor take_f32(StageFile& file, const std::string& name, const std::filesystem::path& path);

}  // namespace reel::pipeline
