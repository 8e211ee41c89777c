// SPDX-License-Identifier: Apache-2.0
// Ways to spoil a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace reel::test {

void write_bytes(const std::filesystem::path& path, const std::string& bytes);
void overwrite(const std::filesystem::path& path, uint64_t offset_bytes, const std::string& bytes);
void cut_to(const std::filesystem::path& path, uint64_t size_bytes);
// Keeps the first half.
void cut_in_half(const std::filesystem::path& path);
void flip_bit(const std::filesystem::path& path, uint64_t offset_bytes, int bit);

// Changes the JSON of a safetensors header, whatever length it gets.
void edit_header(const std::filesystem::path& path,
                 const std::function<void(nlohmann::json&)>& edit);

// Every byte of the tensor becomes 0xff: NaN in f32, bf16 and f8_e4m3. Any format.
void fill_with_nan(const std::filesystem::path& path, const std::string& tensor);

// A .pth whose pickle is this, beside a storage of 24 bytes.
void write_pickle(const std::filesystem::path& path, const std::string& pickle);

// A safetensors file with one or more tensors of zeros.
struct ZeroTensor {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;
};
void write_zeros(const std::filesystem::path& path, const std::vector<ZeroTensor>& tensors);

}  // namespace reel::test
