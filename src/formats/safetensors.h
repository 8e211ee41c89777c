// SPDX-License-Identifier: Apache-2.0
// Reads .safetensors files and the index of checkpoints that are split over several of them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/file.h"
#include "formats/tensor_file.h"

namespace reel::formats {

// Throws as open_tensor_file does.
// Source: huggingface/safetensors, safetensors/src/tensor.rs. Gaps between tensors, which it
// refuses, are accepted.
std::unique_ptr<TensorFile> open_safetensors(InputFile file);

// The content of a *.safetensors.index.json.
struct ShardIndex {
  std::map<std::string, std::string> file_of;   // tensor name -> file name in the same folder
  std::map<std::string, std::string> metadata;  // numbers as decimal text
};

// Throws kNotFound; kBadFile when it is no such index or a file name leaves the folder; kIo.
ShardIndex read_shard_index(const std::filesystem::path& path);

}  // namespace reel::formats
