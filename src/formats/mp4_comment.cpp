// SPDX-License-Identifier: Apache-2.0
#include "formats/mp4_comment.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/quoted.h"

namespace reel::formats {
namespace {

using Bytes = std::span<const std::byte>;

// The index of an hour of video has a few megabytes.
constexpr uint64_t kMostMoovBytes = uint64_t{64} << 20;
// Boxes before the index: its type, some free space, the frames.
constexpr int kMostBoxesBeforeIndex = 1000;
constexpr size_t kShortHeaderBytes = 8;
constexpr size_t kLongHeaderBytes = 16;
constexpr size_t kVersionBytes = 4;     // in front of what "meta" holds
constexpr size_t kDataHeaderBytes = 8;  // the kind of data and its locale
constexpr uint64_t kUtf8 = 1;

uint64_t big_endian(Bytes bytes) {
  uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<uint64_t>(byte);
  return value;
}

struct BoxHeader {
  std::string name;  // four bytes of any value
  uint64_t header_bytes = 0;
  uint64_t size_bytes = 0;  // with the header
};

// `head` holds the first bytes of a box, `room_bytes` are left around it.
BoxHeader read_header(Bytes head, uint64_t room_bytes, const std::string& who) {
  const auto require_room = [&](uint64_t needed_bytes, std::string_view what) {
    REEL_REQUIRE(needed_bytes <= room_bytes, kBadFile,
                 str_cat(who, " has ", with_commas(room_bytes), " bytes where ", what, " of ",
                         with_commas(needed_bytes), " should be."),
                 "The file is cut short or damaged.");
  };
  require_room(kShortHeaderBytes, "the header of a box");
  BoxHeader box{.name = std::string(reinterpret_cast<const char*>(head.data()) + 4, 4),
                .header_bytes = kShortHeaderBytes,
                .size_bytes = big_endian(head.first(4))};
  if (box.size_bytes == 0) box.size_bytes = room_bytes;  // up to the end
  if (box.size_bytes == 1) {
    require_room(kLongHeaderBytes, "the header of a box");
    box.header_bytes = kLongHeaderBytes;
    box.size_bytes = big_endian(head.subspan(kShortHeaderBytes, 8));
  }
  REEL_REQUIRE(box.size_bytes >= box.header_bytes, kBadFile,
               str_cat(who, " has a box ", quoted_name(box.name), " of ", box.size_bytes,
                       " bytes, less than its header."),
               "The file is damaged.");
  require_room(box.size_bytes, str_cat("the box ", quoted_name(box.name)));
  return box;
}

// What the first box of that name holds, among those that lie one behind the other in `parent`.
std::optional<Bytes> find_box(Bytes parent, std::string_view name, const std::string& who) {
  // Less than a header is padding.
  while (parent.size() >= kShortHeaderBytes) {
    const BoxHeader box = read_header(parent, parent.size(), who);
    if (box.name == name) {
      return parent.subspan(box.header_bytes, box.size_bytes - box.header_bytes);
    }
    parent = parent.subspan(box.size_bytes);
  }
  return std::nullopt;
}

// Bytes of a box's fixed fields are passed over.
std::optional<Bytes> behind(std::optional<Bytes> box, size_t count_bytes) {
  if (!box || box->size() < count_bytes) return std::nullopt;
  return box->subspan(count_bytes);
}

// The first bytes at a place, zeros behind the file's end.
std::array<std::byte, kLongHeaderBytes> read_head(const InputFile& file, uint64_t at) {
  std::array<std::byte, kLongHeaderBytes> head{};
  file.read_at(at, std::span(head).first(std::min<uint64_t>(file.size_bytes() - at, head.size())));
  return head;
}

void require_mp4(const InputFile& file, const std::string& who) {
  const auto head = read_head(file, 0);
  const std::string_view name(reinterpret_cast<const char*>(head.data()) + 4, 4);
  REEL_REQUIRE(name == "ftyp", kBadFile,
               str_cat(who, " is not an MP4 file: it has ", quoted_name(name),
                       " at byte 4, where \"ftyp\" is needed."),
               "Name a clip that Reel wrote.");
}

// What the box "moov" holds.
std::vector<std::byte> read_index(const InputFile& file, const std::string& who) {
  require_mp4(file, who);
  uint64_t at = 0;
  for (int count = 0; count < kMostBoxesBeforeIndex && at < file.size_bytes(); ++count) {
    const BoxHeader box = read_header(read_head(file, at), file.size_bytes() - at, who);
    if (box.name == "moov") {
      const uint64_t size_bytes = box.size_bytes - box.header_bytes;
      REEL_REQUIRE(size_bytes <= kMostMoovBytes, kBadFile,
                   str_cat(who, " has an index of ", with_commas(size_bytes), " bytes, at most ",
                           with_commas(kMostMoovBytes), " are read."),
                   "Name a clip that Reel wrote.");
      std::vector<std::byte> index(size_bytes);
      file.read_at(at + box.header_bytes, index);
      return index;
    }
    at += box.size_bytes;
  }
  fail(ErrorCode::kBadFile, str_cat(who, " is an MP4 file without an index (\"moov\")."),
       "The file is cut short, or was not finished.");
}

}  // namespace

std::optional<std::string> read_mp4_comment(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string who = quoted(path);
  const std::vector<std::byte> index = read_index(file, who);
  std::optional<Bytes> box = find_box(index, "udta", who);
  if (box) box = behind(find_box(*box, "meta", who), kVersionBytes);
  if (box) box = find_box(*box, "ilst", who);
  if (box)
    box = find_box(*box,
                   "\xa9"
                   "cmt",
                   who);
  if (box) box = find_box(*box, "data", who);
  if (!box || box->size() < kDataHeaderBytes || big_endian(box->first(4)) != kUtf8) {
    return std::nullopt;
  }
  const Bytes text = box->subspan(kDataHeaderBytes);
  return std::string(reinterpret_cast<const char*>(text.data()), text.size());
}

}  // namespace reel::formats
