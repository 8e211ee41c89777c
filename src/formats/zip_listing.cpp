// SPDX-License-Identifier: Apache-2.0
// Record by record after PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3. Not a library's
// work: the minizip of Debian 12 does not see zip64 sizes where long has 64 bits.
#include "formats/zip_listing.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/byte_reader.h"
#include "formats/quoted.h"
#include "formats/zip_format.h"

namespace reel::formats {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kZip64End = 0x06064b50;
constexpr uint32_t kZip64Locator = 0x07064b50;
constexpr uint16_t kEncrypted = 1;

constexpr uint64_t kDirectoryEntryBytes = 46;
constexpr uint64_t kEndBytes = 22;
constexpr uint64_t kZip64EndBytes = 56;
constexpr uint64_t kZip64LocatorBytes = 20;
constexpr uint64_t kMostDirectoryBytes = 100'000'000;

// Where the directory lies.
struct Directory {
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  uint64_t entries = 0;
};

// One entry of it.
struct Listed {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint64_t packed_bytes = 0;
  uint64_t unpacked_bytes = 0;
  uint64_t header_offset_bytes = 0;
};

class Listing {
 public:
  explicit Listing(const InputFile& file) : file_(file), who_(quoted(file.path())) {}

  std::map<std::string, ZipEntry> entries() const {
    const Directory directory = find_directory();
    const auto bytes = read(directory.offset_bytes, directory.size_bytes);
    ByteReader reader(bytes, who_ + ", zip directory,");
    std::map<std::string, ZipEntry> found;
    for (uint64_t index = 0; index < directory.entries; ++index) {
      const Listed listed = next_listed(reader);
      require(found.emplace(listed.name, locate(listed)).second, listed.name, "is listed twice");
    }
    return found;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    fail(ErrorCode::kBadFile, str_cat(who_, " has a damaged zip directory: ", problem, '.'),
         "Download the file again.");
  }
  void require(bool condition, const std::string& name, const char* problem) const {
    if (!condition) refuse(str_cat("its entry ", quoted_name(name), ' ', problem));
  }

  std::vector<std::byte> read(uint64_t offset_bytes, uint64_t size_bytes) const {
    if (size_bytes > file_.size_bytes() || offset_bytes > file_.size_bytes() - size_bytes) {
      refuse(str_cat("it points to byte ", with_commas(offset_bytes), " of a file of ",
                     with_commas(file_.size_bytes())));
    }
    std::vector<std::byte> bytes(size_bytes);
    file_.read_at(offset_bytes, bytes);
    return bytes;
  }

  Directory find_directory() const {
    const uint64_t end_offset_bytes = find_end();
    const auto end = read(end_offset_bytes, kEndBytes);
    ByteReader reader(end, who_);
    reader.take(10);  // signature, disks, entries of this disk
    Directory found;
    found.entries = reader.u16();
    found.size_bytes = reader.u32();
    found.offset_bytes = reader.u32();
    if (found.entries == 0xffff || found.size_bytes == kSeeZip64 ||
        found.offset_bytes == kSeeZip64) {
      found = find_zip64_directory(end_offset_bytes);
    }
    if (found.size_bytes > kMostDirectoryBytes ||
        found.entries > found.size_bytes / kDirectoryEntryBytes) {
      refuse(str_cat("it has ", with_commas(found.entries), " entries in ",
                     with_commas(found.size_bytes), " bytes"));
    }
    return found;
  }

  // The end record is followed by nothing but a comment whose length it knows.
  uint64_t find_end() const {
    const uint64_t tail_bytes = std::min<uint64_t>(file_.size_bytes(), kEndBytes + 0xffff);
    const auto tail = read(file_.size_bytes() - tail_bytes, tail_bytes);
    for (uint64_t comment_bytes = 0; comment_bytes + kEndBytes <= tail_bytes; ++comment_bytes) {
      const uint64_t at = tail_bytes - kEndBytes - comment_bytes;
      ByteReader reader({tail.data() + at, kEndBytes}, who_);
      if (reader.u32() != kEnd) continue;
      reader.take(16);
      if (reader.u16() == comment_bytes) return file_.size_bytes() - tail_bytes + at;
    }
    fail(ErrorCode::kBadFile,
         str_cat(who_, " begins like a zip archive, but the directory at its end is missing (",
                 with_commas(file_.size_bytes()), " bytes)."),
         "The download is incomplete; download the file again.");
  }

  Directory find_zip64_directory(uint64_t end_offset_bytes) const {
    if (end_offset_bytes < kZip64LocatorBytes) refuse("its zip64 part is missing");
    const auto locator = read(end_offset_bytes - kZip64LocatorBytes, kZip64LocatorBytes);
    ByteReader locator_reader(locator, who_);
    if (locator_reader.u32() != kZip64Locator) refuse("its zip64 part is missing");
    locator_reader.u32();  // disk
    const auto end = read(locator_reader.u64(), kZip64EndBytes);
    ByteReader reader(end, who_);
    if (reader.u32() != kZip64End) refuse("its zip64 part is missing");
    reader.take(28);  // size, versions, disks, entries of this disk
    Directory found;
    found.entries = reader.u64();
    found.size_bytes = reader.u64();
    found.offset_bytes = reader.u64();
    return found;
  }

  Listed next_listed(ByteReader& reader) const {
    if (reader.u32() != kDirectoryEntry) refuse("it holds something else than entries");
    reader.take(4);  // versions
    Listed listed;
    listed.flags = reader.u16();
    listed.method = reader.u16();
    reader.take(8);  // time, date, checksum
    listed.packed_bytes = reader.u32();
    listed.unpacked_bytes = reader.u32();
    const uint16_t name_bytes = reader.u16();
    const uint16_t extra_bytes = reader.u16();
    const uint16_t comment_bytes = reader.u16();
    reader.take(8);  // disk, attributes
    listed.header_offset_bytes = reader.u32();
    listed.name = reader.text(name_bytes);
    widen(listed, reader.take(extra_bytes));
    reader.take(comment_bytes);
    return listed;
  }

  // Fields of 32 bits that are all ones continue in the zip64 extra field, in this order.
  void widen(Listed& listed, std::span<const std::byte> extra) const {
    ByteReader fields(extra, str_cat(who_, ", zip entry ", quoted_name(listed.name), ','));
    while (fields.remaining_bytes() >= 4) {
      const uint16_t id = fields.u16();
      const uint16_t size_bytes = fields.u16();
      ByteReader field(fields.take(size_bytes), fields.who());
      if (id != kZip64Field) continue;
      for (uint64_t* value :
           {&listed.unpacked_bytes, &listed.packed_bytes, &listed.header_offset_bytes}) {
        if (*value == kSeeZip64) *value = field.u64();
      }
      return;
    }
  }

  // The padding in front of the data is known to the local header alone.
  ZipEntry locate(const Listed& listed) const {
    if (listed.method != 0 || (listed.flags & kEncrypted) != 0) return {};
    require(listed.packed_bytes == listed.unpacked_bytes, listed.name, "has two sizes");
    const auto header = read(listed.header_offset_bytes, kZipLocalHeaderBytes);
    ByteReader reader(header, who_);
    require(reader.u32() == kLocalHeader, listed.name, "has no local header");
    reader.u16();  // version
    require((reader.u16() & kEncrypted) == 0, listed.name, "is encrypted");
    require(reader.u16() == 0, listed.name, "is compressed");
    reader.take(16);  // time, date, checksum, sizes: left out when PyTorch writes
    const uint16_t name_bytes = reader.u16();
    const uint16_t extra_bytes = reader.u16();
    const auto name = read(listed.header_offset_bytes + kZipLocalHeaderBytes, name_bytes);
    require(ByteReader(name, who_).text(name_bytes) == listed.name, listed.name,
            "has another name in its local header");
    const uint64_t offset_bytes =
        listed.header_offset_bytes + kZipLocalHeaderBytes + name_bytes + extra_bytes;
    require(listed.packed_bytes <= file_.size_bytes() &&
                offset_bytes <= file_.size_bytes() - listed.packed_bytes,
            listed.name, "reaches behind the end of the file");
    return {offset_bytes, listed.packed_bytes, true};
  }

  const InputFile& file_;
  std::string who_;
};

}  // namespace

std::map<std::string, ZipEntry> list_zip(const InputFile& file) { return Listing(file).entries(); }

}  // namespace reel::formats
