// SPDX-License-Identifier: Apache-2.0
#include "formats/tensor_writer.h"

#include <set>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/quoted.h"
#include "formats/tensor_file.h"

namespace reel::formats {

TensorWriter::TensorWriter(const std::filesystem::path& destination,
                           std::vector<TensorSpec> tensors)
    : tensors_(std::move(tensors)), file_(destination) {
  std::set<std::string_view> names;
  for (const TensorSpec& tensor : tensors_) {
    REEL_REQUIRE(names.insert(tensor.name).second, kInvalidArgument,
                 str_cat("The tensor ", quoted_name(tensor.name), " is declared twice."));
    const auto size_bytes = checked_storage_bytes(tensor.dtype, tensor.shape.extents());
    REEL_REQUIRE(size_bytes.has_value(), kInvalidArgument,
                 str_cat("The tensor ", quoted_name(tensor.name), " cannot be ", tensor.dtype, ' ',
                         tensor.shape, '.'));
    places_.push_back({.size_bytes = *size_bytes});
  }
}

void TensorWriter::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  pass_finished_tensors();
  REEL_REQUIRE(current_ < places_.size(), kInvalidArgument,
               str_cat(with_commas(bytes.size()), " bytes were given after the last tensor."));
  REEL_REQUIRE(
      bytes.size() <= left_bytes(), kInvalidArgument,
      str_cat("The tensor ", quoted_name(tensors_[current_].name), " lacks ",
              with_commas(left_bytes()), " bytes; ", with_commas(bytes.size()), " were given."));
  file_.write_at(places_[current_].offset_bytes + written_bytes_, bytes);
  on_bytes(bytes);
  written_bytes_ += bytes.size();
}

void TensorWriter::append_zeros() {
  pass_finished_tensors();
  if (current_ == places_.size()) return;
  on_zeros(left_bytes());
  written_bytes_ = places_[current_].size_bytes;
}

void TensorWriter::commit() {
  pass_finished_tensors();
  REEL_REQUIRE(current_ == places_.size(), kInvalidArgument,
               str_cat("The tensor ", quoted_name(tensors_[current_].name), " lacks ",
                       with_commas(left_bytes()), " bytes."));
  file_.resize(file_size_bytes_);
  on_commit();
  file_.commit();
}

void TensorWriter::pass_finished_tensors() {
  while (current_ < places_.size() && left_bytes() == 0) {
    on_tensor_done(current_++);
    written_bytes_ = 0;
  }
}

}  // namespace reel::formats
