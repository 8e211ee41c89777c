// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "formats/little_endian.h"
#include "formats/quoted.h"
#include "formats/safetensors_dtype.h"

namespace reel::formats {
namespace {

constexpr uint64_t kAlignment = 8;

class SafetensorsWriter final : public TensorWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& destination, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata)
      : TensorWriter(destination, std::move(tensors)) {
    const uint64_t data_bytes = place_within_data();
    std::string header = header_json(metadata);
    header.resize(align_up(header.size(), kAlignment), ' ');
    file_.write(little_endian(uint64_t{header.size()}));
    file_.write(header);
    for (Place& place : places_) place.offset_bytes += file_.position_bytes();
    file_size_bytes_ = file_.position_bytes() + data_bytes;
  }

 private:
  // Offsets from the start of the data; answers its size.
  uint64_t place_within_data() {
    std::vector<size_t> order(tensors_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::ranges::greater{},
                             [this](size_t index) { return block_bytes(tensors_[index].dtype); });
    uint64_t at_bytes = 0;
    for (const size_t index : order) {
      places_[index].offset_bytes = at_bytes;
      at_bytes += places_[index].size_bytes;
    }
    return at_bytes;
  }

  std::string header_json(const std::map<std::string, std::string>& metadata) const {
    nlohmann::ordered_json root = nlohmann::ordered_json::object();
    if (!metadata.empty()) root["__metadata__"] = metadata;
    for (size_t index = 0; index < tensors_.size(); ++index) {
      const TensorSpec& tensor = tensors_[index];
      const char* dtype = safetensors_dtype_name(tensor.dtype);
      REEL_REQUIRE(dtype != nullptr, kInvalidArgument,
                   str_cat("The tensor ", quoted_name(tensor.name), " is ", tensor.dtype,
                           ", which safetensors cannot hold."),
                   "Write a GGUF file.");
      const uint64_t begin = places_[index].offset_bytes;
      root[tensor.name] = {
          {"dtype", dtype},
          {"shape", std::vector(tensor.shape.extents().begin(), tensor.shape.extents().end())},
          {"data_offsets", {begin, begin + places_[index].size_bytes}}};
    }
    return root.dump();
  }
};

}  // namespace

std::unique_ptr<TensorWriter> start_safetensors(
    const std::filesystem::path& destination, std::vector<TensorSpec> tensors,
    const std::map<std::string, std::string>& metadata) {
  return std::make_unique<SafetensorsWriter>(destination, std::move(tensors), metadata);
}

void write_shard_index(const std::filesystem::path& destination, const ShardIndex& index) {
  const nlohmann::ordered_json root = {{"metadata", index.metadata}, {"weight_map", index.file_of}};
  OutputFile file(destination);
  file.write(root.dump(2));
  file.write("\n");
  file.commit();
}

}  // namespace reel::formats
