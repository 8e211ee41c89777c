// SPDX-License-Identifier: Apache-2.0
// Writes .safetensors files and the index of checkpoints that are split over several of them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "formats/tensor_writer.h"

namespace reel::formats {

// Tensors of wide numbers come first in the file, so that every one is aligned without gaps.
// Throws kInvalidArgument for block formats, which safetensors cannot hold; kIo.
std::unique_ptr<TensorWriter> start_safetensors(const std::filesystem::path& destination,
                                                std::vector<TensorSpec> tensors,
                                                const std::map<std::string, std::string>& metadata);

// Throws kIo.
void write_shard_index(const std::filesystem::path& destination, const ShardIndex& index);

}  // namespace reel::formats
