// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/byte_reader.h"
#include "formats/gguf_types.h"
#include "formats/quoted.h"
#include "formats/tensor_writer.h"

namespace reel::formats {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kFirstWindowBytes = 1 << 20;
constexpr uint64_t kMostGgufHeaderBytes = 64 << 20;
constexpr uint64_t kMostAlignment = 1 << 20;
constexpr const char* kAlignmentKey = "general.alignment";
constexpr const char* kOriginalShapePrefix = "comfy.gguf.orig_shape.";
constexpr const char* kDamagedGguf = "The file is damaged; download it again.";

template <typename Number>
std::string decimal(Number value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

// What the bytes in front of the data say.
struct Header {
  std::map<std::string, std::string> metadata;
  std::map<std::string, GgufArray, std::less<>> arrays;
  std::vector<TensorEntry> entries;
};

class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> bytes, const std::string& who)
      : who_(who), reader_(bytes, who) {}

  Header read() && {
    require(reader_.u32() == kMagic, "it does not begin with GGUF");
    const uint32_t version = reader_.u32();
    REEL_REQUIRE((version & 0xffff) != 0, kUnsupported, str_cat(who_, " is big-endian GGUF."),
                 "Use a little-endian file.");
    REEL_REQUIRE(version == 2 || version == 3, kUnsupported,
                 str_cat(who_, " is GGUF of version ", version, "; 2 or 3 is needed."),
                 "Convert it again with a current tool.");
    const uint64_t tensors = reader_.u64();
    const uint64_t pairs = reader_.u64();
    for (uint64_t index = 0; index < pairs; ++index) read_pair();
    for (uint64_t index = 0; index < tensors; ++index) read_tensor();
    place_tensors();
    return std::move(header_);
  }

 private:
  void require(bool condition, const std::string& problem) const {
    REEL_REQUIRE(condition, kBadFile, str_cat(who_, " has a damaged header: ", problem, '.'),
                 kDamagedGguf);
  }

  std::string text() { return std::string(reader_.text(reader_.u64())); }

  void read_pair() {
    const std::string key = text();
    const auto type = static_cast<GgufType>(reader_.u32());
    require(!header_.metadata.contains(key) && !header_.arrays.contains(key),
            str_cat("the key ", quoted_name(key), " appears twice"));
    if (type == GgufType::kArray) {
      header_.arrays.emplace(key, read_array(key));
    } else {
      header_.metadata.emplace(key, read_scalar(key, type));
    }
  }

  std::string read_scalar(const std::string& key, GgufType type) {
    switch (type) {
      case GgufType::kString: return text();
      case GgufType::kF32: return decimal(reader_.f32());
      case GgufType::kF64: return decimal(reader_.f64());
      case GgufType::kU64: return decimal(reader_.u64());
      default: return decimal(read_integer(key, type));
    }
  }

  int64_t read_integer(const std::string& key, GgufType type) {
    switch (type) {
      case GgufType::kBool: return reader_.u8() != 0;
      case GgufType::kU8: return reader_.u8();
      case GgufType::kI8: return static_cast<int8_t>(reader_.u8());
      case GgufType::kU16: return reader_.u16();
      case GgufType::kI16: return static_cast<int16_t>(reader_.u16());
      case GgufType::kU32: return reader_.u32();
      case GgufType::kI32: return reader_.i32();
      case GgufType::kU64:
      case GgufType::kI64: return static_cast<int64_t>(reader_.u64());
      default: break;
    }
    require(false, str_cat("the key ", quoted_name(key), " is of the unknown type ",
                           static_cast<uint32_t>(type)));
    return 0;
  }

  // Elements are appended as they are read: a count alone reserves no memory.
  GgufArray read_array(const std::string& key) {
    const auto type = static_cast<GgufType>(reader_.u32());
    const uint64_t count = reader_.u64();
    switch (type) {
      case GgufType::kString: return read_elements<std::string>(count, [&] { return text(); });
      case GgufType::kF32: return read_elements<double>(count, [&] { return reader_.f32(); });
      case GgufType::kF64: return read_elements<double>(count, [&] { return reader_.f64(); });
      case GgufType::kU8:
      case GgufType::kI8:
      case GgufType::kBool: return read_elements<uint8_t>(count, [&] { return reader_.u8(); });
      default: return read_elements<int64_t>(count, [&] { return read_integer(key, type); });
    }
  }

  template <typename Element, typename Read>
  std::vector<Element> read_elements(uint64_t count, Read read) {
    std::vector<Element> elements;
    for (uint64_t index = 0; index < count; ++index) elements.push_back(read());
    return elements;
  }

  void read_tensor() {
    TensorEntry entry;
    entry.name = text();
    const uint32_t axes = reader_.u32();
    require(axes <= Shape::kMostAxes,
            str_cat("the tensor ", quoted_name(entry.name), " has ", axes, " axes"));
    std::vector<int64_t> extents(axes);
    for (int64_t& extent : extents) extent = static_cast<int64_t>(reader_.u64());
    const uint32_t type = reader_.u32();
    const auto dtype = dtype_from_ggml(type);
    REEL_REQUIRE(dtype.has_value(), kUnsupported,
                 str_cat(who_, " stores the tensor ", quoted_name(entry.name), " in the ggml type ",
                         type, ", which is not known here."),
                 "Q2_K to Q6_K, Q4_0 to Q8_0, F16, BF16 and F32 are.");
    entry.dtype = *dtype;
    entry.offset_bytes = reader_.u64();

    // ggml cuts blocks along the innermost extent, which it lists first.
    const int64_t innermost = extents.empty() ? 1 : extents[0];
    const auto size_bytes = checked_storage_bytes(*dtype, extents);
    require(size_bytes.has_value() && innermost % block_elements(*dtype) == 0,
            str_cat("the tensor ", quoted_name(entry.name), " has an impossible shape"));
    std::ranges::reverse(extents);
    entry.shape = Shape(std::span(extents));
    entry.size_bytes = *size_bytes;
    restore_shape(entry);
    header_.entries.push_back(std::move(entry));
  }

  // ComfyUI-GGUF flattens tensors that its quantiser cannot cut, and notes what they were.
  void restore_shape(TensorEntry& entry) const {
    const auto at = header_.arrays.find(kOriginalShapePrefix + entry.name);
    if (at == header_.arrays.end()) return;
    const auto* extents = std::get_if<std::vector<int64_t>>(&at->second);
    require(extents != nullptr && checked_storage_bytes(entry.dtype, *extents) == entry.size_bytes,
            str_cat("the original shape of ", quoted_name(entry.name), " holds other data"));
    entry.shape = Shape(std::span(*extents));
  }

  uint64_t alignment() const {
    const auto at = header_.metadata.find(kAlignmentKey);
    if (at == header_.metadata.end()) return kGgufDefaultAlignment;
    uint64_t value = 0;
    const std::string& digits = at->second;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_power_of_two = value != 0 && (value & (value - 1)) == 0;
    require(is_power_of_two && value <= kMostAlignment,
            str_cat("its alignment is ", quoted_name(digits)));
    return value;
  }

  // The data start behind the header, aligned; offsets count from there.
  void place_tensors() {
    const uint64_t alignment_bytes = alignment();
    const uint64_t data_begin_bytes = align_up(reader_.position_bytes(), alignment_bytes);
    for (TensorEntry& entry : header_.entries) {
      require(
          entry.offset_bytes % alignment_bytes == 0 &&
              !__builtin_add_overflow(entry.offset_bytes, data_begin_bytes, &entry.offset_bytes),
          str_cat("the tensor ", quoted_name(entry.name), " has an impossible offset"));
    }
  }

  const std::string& who_;
  ByteReader reader_;
  Header header_;
};

// Nothing says how long the header is: a part of the file is read, and more when it ends early.
Header read_header(const InputFile& file) {
  const std::string who = quoted(file.path());
  for (uint64_t window_bytes = kFirstWindowBytes;; window_bytes *= 8) {
    const uint64_t held_bytes = std::min({window_bytes, file.size_bytes(), kMostGgufHeaderBytes});
    std::vector<std::byte> bytes(held_bytes);
    file.read_at(0, bytes);
    try {
      return HeaderReader(bytes, who).read();
    } catch (const EndOfBytes&) {
      if (held_bytes == file.size_bytes()) throw;
      REEL_REQUIRE(held_bytes < kMostGgufHeaderBytes, kBadFile,
                   str_cat(who, " claims a header of more than ", with_commas(kMostGgufHeaderBytes),
                           " bytes."),
                   kDamagedGguf);
    }
  }
}

}  // namespace

GgufFile::GgufFile(InputFile file) : TensorFile(FileFormat::kGguf, std::move(file)) {
  Header header = read_header(file_);
  metadata_ = std::move(header.metadata);
  arrays_ = std::move(header.arrays);
  entries_ = std::move(header.entries);
  finish(Overlap::kForbidden);
}

std::unique_ptr<GgufFile> open_gguf(InputFile file) {
  return std::make_unique<GgufFile>(std::move(file));
}

}  // namespace reel::formats
