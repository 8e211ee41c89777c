// SPDX-License-Identifier: Apache-2.0
#include "prepare/stored_tables.h"

#include "base/error.h"
#include "prepare/dequantise.h"

namespace reel::prepare {
namespace {

// What read_rows() reads for one row.
uint64_t bytes_of_a_row(const checkpoint::StoredTensor& table, int64_t width) {
  const formats::TensorEntry& entry = *table.entry;
  const uint64_t row = entry.strides.empty()
                           ? static_cast<uint64_t>(storage_bytes(entry.dtype, width))
                           : dense_bytes(entry);
  if (table.scale == nullptr) return row;
  return row + static_cast<uint64_t>(storage_bytes(table.scale->dtype, 1));
}

}  // namespace

void StoredTables::gather_rows(std::string_view name, std::span<const int32_t> ids,
                               const TensorView& out) const {
  const auto found = tables_.find(name);
  REEL_REQUIRE(found != tables_.end(), kNotFound, str_cat(block_, " has no table \"", name, '"'));
  const auto width = static_cast<size_t>(out.width());
  for (size_t at = 0; at < ids.size(); ++at) {
    read_rows(*found->second, ids[at], 1, std::span(out.as<float>() + at * width, width));
    bytes_read_ += bytes_of_a_row(*found->second, out.width());
  }
}

}  // namespace reel::prepare
