// SPDX-License-Identifier: Apache-2.0
#include "e2e/damage.h"

#include <cstring>
#include <fstream>

#include "e2e/child.h"
#include "formats/safetensors_writer.h"
#include "formats/tensor_file.h"
#include "support/zip_archive.h"

namespace reel::test {
namespace fs = std::filesystem;
using nlohmann::json;

void write_bytes(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

void overwrite(const fs::path& path, uint64_t offset_bytes, const std::string& bytes) {
  std::string all = read_all(path);
  all.replace(offset_bytes, bytes.size(), bytes);
  write_bytes(path, all);
}

void cut_to(const fs::path& path, uint64_t size_bytes) { fs::resize_file(path, size_bytes); }

void cut_in_half(const fs::path& path) { cut_to(path, fs::file_size(path) / 2); }

void flip_bit(const fs::path& path, uint64_t offset_bytes, int bit) {
  std::string all = read_all(path);
  all.at(offset_bytes) = static_cast<char>(all.at(offset_bytes) ^ (1 << bit));
  write_bytes(path, all);
}

void edit_header(const fs::path& path, const std::function<void(json&)>& edit) {
  const std::string all = read_all(path);
  uint64_t length = 0;
  std::memcpy(&length, all.data(), sizeof length);
  json header = json::parse(all.substr(8, length));
  edit(header);
  const std::string text = header.dump();
  const uint64_t new_length = text.size();
  std::string begin(8, '\0');
  std::memcpy(begin.data(), &new_length, sizeof new_length);
  write_bytes(path, begin + text + all.substr(8 + length));
}

void fill_with_nan(const fs::path& path, const std::string& tensor) {
  const auto file = formats::open_tensor_file(path);
  const formats::TensorEntry& entry = *file->find(tensor);
  overwrite(path, entry.offset_bytes, std::string(entry.size_bytes, '\xff'));
}

void write_pickle(const fs::path& path, const std::string& pickle) {
  write_archive(path,
                {{.name = "x/data.pkl", .size_bytes = pickle.size()},
                 {.name = "x/data/0", .size_bytes = 24},
                 {.name = "x/version", .size_bytes = 2}},
                pickle);
}

void write_zeros(const fs::path& path, const std::vector<ZeroTensor>& tensors) {
  std::vector<formats::TensorSpec> specs;
  for (const ZeroTensor& tensor : tensors)
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  const auto writer = formats::start_safetensors(path, specs, {});
  for (size_t index = 0; index < specs.size(); ++index) writer->append_zeros();
  writer->commit();
}

}  // namespace reel::test
