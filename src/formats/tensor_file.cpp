// SPDX-License-Identifier: Apache-2.0
#include "formats/tensor_file.h"

#include <algorithm>
#include <cstring>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/quoted.h"

namespace reel::formats {
namespace {

uint64_t expected_size_bytes(const TensorEntry& entry, const std::string& who) {
  const auto size_bytes =
      entry.strides.empty() ? checked_storage_bytes(entry.dtype, entry.shape.extents())
                            : checked_span_bytes(entry.dtype, entry.shape.extents(), entry.strides);
  REEL_REQUIRE(size_bytes.has_value(), kBadFile,
               str_cat(who, " gives the tensor ", quoted_name(entry.name), " the impossible shape ",
                       entry.shape, " of ", entry.dtype, '.'),
               "The file is damaged.");
  return *size_bytes;
}

void check_inside(const TensorEntry& entry, uint64_t file_size_bytes, const std::string& who) {
  const uint64_t needed_bytes = expected_size_bytes(entry, who);
  REEL_REQUIRE(entry.size_bytes == needed_bytes, kBadFile,
               str_cat(who, " gives the tensor ", quoted_name(entry.name), ' ',
                       with_commas(entry.size_bytes), " bytes; ", entry.dtype, ' ', entry.shape,
                       " needs ", with_commas(needed_bytes), '.'),
               "The file is damaged.");
  REEL_REQUIRE(entry.size_bytes <= file_size_bytes &&
                   entry.offset_bytes <= file_size_bytes - entry.size_bytes,
               kBadFile,
               str_cat(who, " ends at byte ", with_commas(file_size_bytes), " but its tensor ",
                       quoted_name(entry.name), " of ", with_commas(entry.size_bytes),
                       " bytes starts at byte ", with_commas(entry.offset_bytes), '.'),
               "The download is incomplete; download the file again.");
}

void check_apart(const std::vector<TensorEntry>& entries, const std::string& who) {
  std::vector<const TensorEntry*> in_order;
  for (const TensorEntry& entry : entries) {
    if (entry.size_bytes > 0) in_order.push_back(&entry);
  }
  std::ranges::sort(in_order, {}, &TensorEntry::offset_bytes);
  for (size_t index = 1; index < in_order.size(); ++index) {
    const TensorEntry& before = *in_order[index - 1];
    REEL_REQUIRE(before.offset_bytes + before.size_bytes <= in_order[index]->offset_bytes, kBadFile,
                 str_cat(who, " gives the same bytes to the tensors ", quoted_name(before.name),
                         " and ", quoted_name(in_order[index]->name), '.'),
                 "The file is damaged.");
  }
}

// Copies elements from strided storage to row-major order.
class Gather {
 public:
  Gather(const TensorEntry& entry, const std::byte* storage, std::byte* out)
      : entry_(entry),
        element_bytes_(static_cast<size_t>(block_bytes(entry.dtype))),
        storage_(storage),
        out_(out) {}

  void axis(int index, int64_t offset_elements) {
    if (index == entry_.shape.axes()) {
      std::memcpy(out_, storage_ + static_cast<size_t>(offset_elements) * element_bytes_,
                  element_bytes_);
      out_ += element_bytes_;
      return;
    }
    for (int64_t at = 0; at < entry_.shape[index]; ++at) {
      axis(index + 1, offset_elements + at * entry_.strides[static_cast<size_t>(index)]);
    }
  }

 private:
  const TensorEntry& entry_;
  size_t element_bytes_;
  const std::byte* storage_;
  std::byte* out_;
};

}  // namespace

const char* file_format_name(FileFormat format) {
  switch (format) {
    case FileFormat::kSafetensors: return "safetensors";
    case FileFormat::kTorchZip: return "pth";
    case FileFormat::kGguf: return "gguf";
  }
  return "unknown";
}

std::optional<uint64_t> checked_storage_bytes(DType dtype, std::span<const int64_t> extents) {
  if (extents.size() > Shape::kMostAxes) return std::nullopt;
  int64_t non_zero = 1;
  bool is_empty = false;
  for (const int64_t extent : extents) {
    if (extent < 0) return std::nullopt;
    is_empty |= extent == 0;
    if (extent > 0 && __builtin_mul_overflow(non_zero, extent, &non_zero)) return std::nullopt;
  }
  if (is_empty) return 0;
  if (non_zero % block_elements(dtype) != 0) return std::nullopt;
  int64_t size_bytes = 0;
  if (__builtin_mul_overflow(non_zero / block_elements(dtype), block_bytes(dtype), &size_bytes)) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(size_bytes);
}

std::optional<uint64_t> checked_span_bytes(DType dtype, std::span<const int64_t> extents,
                                           std::span<const int64_t> strides) {
  const auto dense_bytes = checked_storage_bytes(dtype, extents);
  if (!dense_bytes || strides.size() != extents.size() || is_block_format(dtype)) {
    return std::nullopt;
  }
  if (*dense_bytes == 0) return 0;
  int64_t last = 0;
  for (size_t axis = 0; axis < extents.size(); ++axis) {
    int64_t reach = 0;
    if (strides[axis] < 0 || __builtin_mul_overflow(extents[axis] - 1, strides[axis], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return std::nullopt;
    }
  }
  int64_t size_bytes = 0;
  if (__builtin_add_overflow(last, 1, &last) ||
      __builtin_mul_overflow(last, block_bytes(dtype), &size_bytes)) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(size_bytes);
}

const TensorEntry* TensorFile::find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(entries_, name, {}, &TensorEntry::name);
  return at != entries_.end() && at->name == name ? &*at : nullptr;
}

void TensorFile::read_range(const TensorEntry& entry, uint64_t offset_bytes,
                            std::span<std::byte> out) const {
  REEL_REQUIRE(offset_bytes <= entry.size_bytes && out.size() <= entry.size_bytes - offset_bytes,
               kBadFile,
               str_cat(quoted(path()), ": the tensor ", quoted_name(entry.name), " has ",
                       with_commas(entry.size_bytes), " bytes; ", with_commas(out.size()),
                       " were asked for from byte ", with_commas(offset_bytes), '.'));
  file_.read_at(entry.offset_bytes + offset_bytes, out);
}

void TensorFile::read(const TensorEntry& entry, std::span<std::byte> out) const {
  const auto whole_bytes =
      static_cast<uint64_t>(storage_bytes(entry.dtype, entry.shape.elements()));
  REEL_REQUIRE(
      out.size() == whole_bytes, kInvalidArgument,
      str_cat(quoted(path()), ": the tensor ", quoted_name(entry.name), " has ",
              with_commas(whole_bytes), " bytes; the buffer has ", with_commas(out.size()), '.'));
  if (entry.strides.empty()) return read_range(entry, 0, out);
  std::vector<std::byte> storage(entry.size_bytes);
  read_range(entry, 0, storage);
  Gather(entry, storage.data(), out.data()).axis(0, 0);
}

void TensorFile::finish(Overlap overlap) {
  const std::string who = quoted(path());
  std::ranges::sort(entries_, {}, &TensorEntry::name);
  for (size_t index = 0; index < entries_.size(); ++index) {
    check_inside(entries_[index], file_.size_bytes(), who);
    REEL_REQUIRE(index == 0 || entries_[index - 1].name != entries_[index].name, kBadFile,
                 str_cat(who, " names the tensor ", quoted_name(entries_[index].name), " twice."),
                 "The file is damaged.");
  }
  if (overlap == Overlap::kForbidden) check_apart(entries_, who);
}

}  // namespace reel::formats
