// SPDX-License-Identifier: Apache-2.0
// Writes GGUF files of version 3.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "formats/tensor_writer.h"

namespace reel::formats {

using GgufValue =
    std::variant<uint32_t, int32_t, float, bool, uint64_t, std::string, std::vector<std::string>,
                 std::vector<float>, std::vector<int32_t>, std::vector<uint8_t>>;

// Shapes are row-major; the file lists their extents turned around. "general.alignment" in
// `metadata` is honoured when it is a uint32_t and a power of two. Throws kInvalidArgument for
// formats that GGUF cannot hold, such as float8, or a width that is no whole number of blocks; kIo.
std::unique_ptr<TensorWriter> start_gguf(const std::filesystem::path& destination,
                                         std::vector<TensorSpec> tensors,
                                         const std::map<std::string, GgufValue>& metadata);

}  // namespace reel::formats
