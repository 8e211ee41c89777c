// SPDX-License-Identifier: Apache-2.0
// Reads GGUF files: tensors in plain and block formats, and typed metadata.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"
#include "formats/tensor_file.h"

namespace reel::formats {

// An array of the metadata. Whole numbers and booleans of every width become int64_t, but for
// those of one byte, which stay as they are.
using GgufArray = std::variant<std::vector<std::string>, std::vector<double>, std::vector<int64_t>,
                               std::vector<uint8_t>>;

// A TensorFile whose metadata has arrays besides the string pairs. Shapes are row-major: ggml's
// extents turned around, or what "comfy.gguf.orig_shape.<tensor>" says.
class GgufFile : public TensorFile {
 public:
  // Throws as open_tensor_file does. Version 2 and 3, little-endian.
  // Source: ggml docs/gguf.md.
  explicit GgufFile(InputFile file);

  // The array under a key; null when there is none or its elements are of another kind. Arrays of
  // whole numbers are answered by bytes() when they are one byte wide and by integers() otherwise.
  const std::vector<std::string>* strings(std::string_view key) const {
    return array<std::string>(key);
  }
  const std::vector<double>* floats(std::string_view key) const { return array<double>(key); }
  const std::vector<int64_t>* integers(std::string_view key) const { return array<int64_t>(key); }
  const std::vector<uint8_t>* bytes(std::string_view key) const { return array<uint8_t>(key); }

 private:
  template <typename Element>
  const std::vector<Element>* array(std::string_view key) const {
    const auto at = arrays_.find(key);
    return at == arrays_.end() ? nullptr : std::get_if<std::vector<Element>>(&at->second);
  }

  std::map<std::string, GgufArray, std::less<>> arrays_;
};

std::unique_ptr<GgufFile> open_gguf(InputFile file);

}  // namespace reel::formats
