// SPDX-License-Identifier: Apache-2.0
// Field by field after PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.
#include "formats/zip_layout.h"

#include <utility>

#include "formats/little_endian.h"
#include "formats/tensor_writer.h"
#include "formats/zip_format.h"

namespace reel::formats {
namespace {

constexpr uint64_t kZipAlignment = 64;
constexpr uint64_t kLocalZip64Bytes = 20;
constexpr uint64_t kPaddingHeadBytes = 4;
constexpr uint16_t kUtf8Names = 0x800;
constexpr uint16_t kFirstOf1980 = 0x21;
constexpr uint16_t kPaddingField = 0x4246;  // the id that PyTorch uses

// The part that a local header shares with its entry in the directory: version to lengths.
std::string common_fields(const ZipRecord& record, bool is_zip64, uint64_t extra_bytes) {
  const uint32_t size = is_zip64 ? kSeeZip64 : static_cast<uint32_t>(record.size_bytes);
  return little_endian(uint16_t{45}) + little_endian(kUtf8Names) +
         little_endian(uint16_t{0}) +  // stored
         little_endian(uint16_t{0}) + little_endian(kFirstOf1980) + little_endian(record.crc) +
         little_endian(size) + little_endian(size) +
         little_endian(static_cast<uint16_t>(record.name.size())) +
         little_endian(static_cast<uint16_t>(extra_bytes));
}

std::string directory_entry(const ZipRecord& record, bool is_zip64) {
  std::string extra;
  if (is_zip64) {
    extra = little_endian(kZip64Field) + little_endian(uint16_t{24}) +
            little_endian(record.size_bytes) + little_endian(record.size_bytes) +
            little_endian(record.header_offset_bytes);
  }
  const uint32_t offset = is_zip64 ? kSeeZip64 : static_cast<uint32_t>(record.header_offset_bytes);
  return "PK\x01\x02" + little_endian(uint16_t{45}) +
         common_fields(record, is_zip64, extra.size()) +
         std::string(10, '\0') +  // comment, disk and attributes
         little_endian(offset) + record.name + extra;
}

std::string zip64_end(uint64_t count, uint64_t directory_bytes, uint64_t offset_bytes) {
  const std::string end = "PK\x06\x06" + little_endian(uint64_t{44}) + little_endian(uint16_t{45}) +
                          little_endian(uint16_t{45}) + little_endian(uint64_t{0}) +  // disks
                          little_endian(count) + little_endian(count) +
                          little_endian(directory_bytes) + little_endian(offset_bytes);
  return end + "PK\x06\x07" + little_endian(uint32_t{0}) +
         little_endian(offset_bytes + directory_bytes) + little_endian(uint32_t{1});
}

}  // namespace

ZipLayout::ZipLayout(std::vector<ZipRecord> records) : records_(std::move(records)) {
  place();
  is_zip64_ = end_of_data_bytes_ >= kSeeZip64 || records_.size() >= 0xffff;
  if (is_zip64_) place();
}

void ZipLayout::place() {
  end_of_data_bytes_ = 0;
  for (ZipRecord& record : records_) {
    record.header_offset_bytes = end_of_data_bytes_;
    const uint64_t least_bytes = kZipLocalHeaderBytes + record.name.size() + kPaddingHeadBytes +
                                 (is_zip64_ ? kLocalZip64Bytes : 0);
    record.data_offset_bytes = align_up(record.header_offset_bytes + least_bytes, kZipAlignment);
    end_of_data_bytes_ = record.data_offset_bytes + record.size_bytes;
  }
}

std::string ZipLayout::local_header(const ZipRecord& record) const {
  std::string extra;
  if (is_zip64_) {
    extra = little_endian(kZip64Field) + little_endian(uint16_t{16}) +
            little_endian(record.size_bytes) + little_endian(record.size_bytes);
  }
  const uint64_t extra_bytes = record.data_offset_bytes - record.header_offset_bytes -
                               kZipLocalHeaderBytes - record.name.size();
  const uint64_t padding_bytes = extra_bytes - extra.size() - kPaddingHeadBytes;
  extra += little_endian(kPaddingField) + little_endian(static_cast<uint16_t>(padding_bytes)) +
           std::string(padding_bytes, 'Z');
  return "PK\x03\x04" + common_fields(record, is_zip64_, extra_bytes) + record.name + extra;
}

std::string ZipLayout::directory() const {
  std::string bytes;
  for (const ZipRecord& record : records_) bytes += directory_entry(record, is_zip64_);
  const uint64_t directory_bytes = bytes.size();
  if (is_zip64_) bytes += zip64_end(records_.size(), directory_bytes, end_of_data_bytes_);
  const auto count = static_cast<uint16_t>(is_zip64_ ? 0xffff : records_.size());
  const auto size = static_cast<uint32_t>(is_zip64_ ? kSeeZip64 : directory_bytes);
  const auto offset = static_cast<uint32_t>(is_zip64_ ? kSeeZip64 : end_of_data_bytes_);
  return bytes + "PK\x05\x06" + little_endian(uint32_t{0}) + little_endian(count) +
         little_endian(count) + little_endian(size) + little_endian(offset) +
         little_endian(uint16_t{0});
}

}  // namespace reel::formats
