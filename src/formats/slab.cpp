// SPDX-License-Identifier: Apache-2.0
#include "formats/slab.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/hash.h"
#include "formats/quoted.h"

namespace reel::formats {
namespace {

constexpr const char* kConvertAgain = "Remove it, and make it again with reel convert.";
constexpr size_t kDigestLetters = 32;

// Where a header that begins as it should has its digest.
const std::string& header_start() {
  static const std::string start =
      str_cat("{\"__metadata__\":{\"", kSlabRecord, "\":\"", kSlabVersion, ' ');
  return start;
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestLetters &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string header_digest(std::string header, size_t digest_at) {
  std::fill_n(header.begin() + static_cast<std::ptrdiff_t>(digest_at), kDigestLetters, '0');
  return digest_hex(std::as_bytes(std::span(header)));
}

void check_version(const std::string& who, std::string_view record) {
  const std::string_view version = record.substr(0, record.find(' '));
  int number = 0;
  const auto [end, error] =
      std::from_chars(version.data(), version.data() + version.size(), number);
  REEL_REQUIRE(error == std::errc() && end == version.data() + version.size(), kBadFile,
               str_cat(who, " has a damaged header: its record is ", quoted_name(record), '.'),
               kConvertAgain);
  REEL_REQUIRE(
      number == kSlabVersion, kUnsupported,
      str_cat(who, " is a slab of version ", number, "; version ", kSlabVersion, " is read here."),
      "Make it again with this version's reel convert.");
}

void check_header(const std::string& who, std::string_view header) {
  const std::string& start = header_start();
  const bool has_digest =
      header.starts_with(start) && header.size() > start.size() + kDigestLetters;
  const std::string_view digest =
      has_digest ? header.substr(start.size(), kDigestLetters) : std::string_view{};
  REEL_REQUIRE(is_digest(digest) && header_digest(std::string(header), start.size()) == digest,
               kBadFile, str_cat(who, " has a damaged header: its checksum is another."),
               kConvertAgain);
}

std::optional<DType> find_dtype(std::string_view name) {
  for (int value = 0; value <= static_cast<int>(DType::kQ6_K); ++value) {
    if (name == dtype_name(static_cast<DType>(value))) return static_cast<DType>(value);
  }
  return std::nullopt;
}

// "q4_k 5120 13824"
void set_dtype(TensorEntry& entry, std::string_view text, const std::string& who) {
  const size_t space = std::min(text.find(' '), text.size());
  const auto dtype = find_dtype(text.substr(0, space));
  std::vector<int64_t> extents;
  const char* at = text.data() + space;
  const char* const end = text.data() + text.size();
  while (at != end && *at == ' ' && extents.size() < Shape::kMostAxes) {
    const auto [after, error] = std::from_chars(at + 1, end, extents.emplace_back());
    if (error != std::errc()) break;
    at = after;
  }
  REEL_REQUIRE(
      dtype && at == end && entry.dtype == DType::kU8 && checked_storage_bytes(*dtype, extents),
      kBadFile,
      str_cat(who, " says that the tensor ", quoted_name(entry.name), " is ", quoted_name(text),
              ", which is no type and shape."),
      kConvertAgain);
  entry.dtype = *dtype;
  entry.shape = Shape(std::span<const int64_t>(extents));
}

}  // namespace

bool is_slab(const TensorFile& file) {
  return file.format() == FileFormat::kSafetensors &&
         file.metadata().contains(std::string(kSlabRecord));
}

std::string empty_slab_record() {
  return str_cat(kSlabVersion, ' ', std::string(kDigestLetters, '0'));
}

std::string slab_record(std::string_view header_with_zeros) {
  return str_cat(kSlabVersion, ' ', digest_hex(std::as_bytes(std::span(header_with_zeros))));
}

std::string slab_dtype(DType dtype, const Shape& shape) {
  std::string text = dtype_name(dtype);
  for (const int64_t extent : shape.extents()) text += str_cat(' ', extent);
  return text;
}

bool take_slab_record(const std::filesystem::path& path, std::string_view header,
                      const std::map<std::string, std::string>& metadata,
                      std::vector<TensorEntry>& entries) {
  const auto record = metadata.find(std::string(kSlabRecord));
  if (record == metadata.end()) {
    REEL_REQUIRE(path.extension() != kSlabExtension, kBadFile,
                 str_cat(quoted(path), " is named as a slab but is none: its header has no ",
                         quoted_name(kSlabRecord), '.'),
                 kConvertAgain);
    return false;
  }
  const std::string who = quoted(path);
  check_version(who, record->second);
  check_header(who, header);
  for (TensorEntry& entry : entries) {
    const auto dtype = metadata.find(str_cat(kSlabDType, entry.name));
    if (dtype != metadata.end()) set_dtype(entry, dtype->second, who);
  }
  return true;
}

const std::string& slab_digest(const TensorFile& file, const std::string& tensor) {
  const auto digest = file.metadata().find(str_cat(kSlabDigest, tensor));
  REEL_REQUIRE(
      digest != file.metadata().end() && is_digest(digest->second), kBadFile,
      str_cat(quoted(file.path()), " has no checksum of its tensor ", quoted_name(tensor), '.'),
      kConvertAgain);
  return digest->second;
}

}  // namespace reel::formats
