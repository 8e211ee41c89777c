// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf_writer.h"

#include <bit>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "formats/gguf_types.h"
#include "formats/little_endian.h"
#include "formats/quoted.h"

namespace reel::formats {
namespace {

std::string type_code(GgufType type) { return little_endian(static_cast<uint32_t>(type)); }

std::string counted_text(const std::string& text) {
  return little_endian(uint64_t{text.size()}) + text;
}

template <typename Element>
constexpr GgufType type_of() {
  if constexpr (std::is_same_v<Element, uint8_t>) return GgufType::kU8;
  if constexpr (std::is_same_v<Element, bool>) return GgufType::kBool;
  if constexpr (std::is_same_v<Element, uint32_t>) return GgufType::kU32;
  if constexpr (std::is_same_v<Element, int32_t>) return GgufType::kI32;
  if constexpr (std::is_same_v<Element, uint64_t>) return GgufType::kU64;
  if constexpr (std::is_same_v<Element, float>) return GgufType::kF32;
  return GgufType::kString;
}

template <typename Element>
std::string element_bytes(const Element& value) {
  if constexpr (std::is_same_v<Element, std::string>) {
    return counted_text(value);
  } else if constexpr (std::is_same_v<Element, float>) {
    return little_endian(std::bit_cast<uint32_t>(value));
  } else if constexpr (std::is_same_v<Element, bool>) {
    return little_endian(static_cast<uint8_t>(value));
  } else {
    return little_endian(value);
  }
}

// Type and content of a value.
struct ValueBytes {
  template <typename Element>
  std::string operator()(const Element& value) const {
    return type_code(type_of<Element>()) + element_bytes(value);
  }
  template <typename Element>
  std::string operator()(const std::vector<Element>& values) const {
    std::string bytes = type_code(GgufType::kArray) + type_code(type_of<Element>()) +
                        little_endian(uint64_t{values.size()});
    for (const Element& value : values) bytes += element_bytes(value);
    return bytes;
  }
};

uint64_t alignment_of(const std::map<std::string, GgufValue>& metadata) {
  const auto at = metadata.find("general.alignment");
  if (at == metadata.end()) return kGgufDefaultAlignment;
  const auto* value = std::get_if<uint32_t>(&at->second);
  REEL_REQUIRE(value != nullptr && std::has_single_bit(*value), kInvalidArgument,
               "\"general.alignment\" must be a uint32_t and a power of two.");
  return *value;
}

class GgufWriter final : public TensorWriter {
 public:
  GgufWriter(const std::filesystem::path& destination, std::vector<TensorSpec> tensors,
             const std::map<std::string, GgufValue>& metadata)
      : TensorWriter(destination, std::move(tensors)) {
    const uint64_t alignment_bytes = alignment_of(metadata);
    const uint64_t data_bytes = place_within_data(alignment_bytes);
    std::string header = "GGUF" + little_endian(uint32_t{3}) +
                         little_endian(uint64_t{tensors_.size()}) +
                         little_endian(uint64_t{metadata.size()});
    for (const auto& [key, value] : metadata) {
      header += counted_text(key) + std::visit(ValueBytes(), value);
    }
    for (size_t index = 0; index < tensors_.size(); ++index) header += tensor_info(index);
    header.resize(align_up(header.size(), alignment_bytes), '\0');
    file_.write(header);
    for (Place& place : places_) place.offset_bytes += header.size();
    file_size_bytes_ = header.size() + data_bytes;
  }

 private:
  // Offsets from the start of the data; answers its size.
  uint64_t place_within_data(uint64_t alignment_bytes) {
    uint64_t at_bytes = 0;
    for (Place& place : places_) {
      place.offset_bytes = at_bytes;
      at_bytes = align_up(at_bytes + place.size_bytes, alignment_bytes);
    }
    return at_bytes;
  }

  std::string tensor_info(size_t index) const {
    const TensorSpec& tensor = tensors_[index];
    const auto type = ggml_type_of(tensor.dtype);
    REEL_REQUIRE(type.has_value(), kInvalidArgument,
                 str_cat("The tensor ", quoted_name(tensor.name), " is ", tensor.dtype,
                         ", which GGUF cannot hold."),
                 "Write a safetensors file.");
    REEL_REQUIRE(
        tensor.shape.width() % block_elements(tensor.dtype) == 0, kInvalidArgument,
        str_cat("The tensor ", quoted_name(tensor.name), " is ", tensor.shape, "; ", tensor.dtype,
                " needs rows of a multiple of ", block_elements(tensor.dtype), '.'));
    std::string info =
        counted_text(tensor.name) + little_endian(static_cast<uint32_t>(tensor.shape.axes()));
    for (int axis = tensor.shape.axes() - 1; axis >= 0; --axis) {
      info += little_endian(static_cast<uint64_t>(tensor.shape[axis]));
    }
    return info + little_endian(*type) + little_endian(places_[index].offset_bytes);
  }
};

}  // namespace

std::unique_ptr<TensorWriter> start_gguf(const std::filesystem::path& destination,
                                         std::vector<TensorSpec> tensors,
                                         const std::map<std::string, GgufValue>& metadata) {
  return std::make_unique<GgufWriter>(destination, std::move(tensors), metadata);
}

}  // namespace reel::formats
