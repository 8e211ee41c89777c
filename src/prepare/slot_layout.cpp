// SPDX-License-Identifier: Apache-2.0
#include "prepare/slot_layout.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "memory/arena_layout.h"
#include "memory/device_weights.h"
#include "prepare/dequantise.h"

namespace reel::prepare {
namespace {

using checkpoint::StoredTensor;
using memory::aligned;
using memory::SlotRead;
using memory::WeightItem;
using memory::WeightKind;

int64_t rows_of(const Shape& shape) { return shape.axes() == 0 ? 1 : shape[0]; }

int64_t scale_count(const StoredTensor& stored) {
  return stored.scale == nullptr ? 0 : stored.scale->shape.elements();
}

bool kernels_read(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF8E4M3:
    case DType::kF8E5M2:
    case DType::kI8: return true;
    default: return is_block_format(dtype);
  }
}

void check_stored(const StoredTensor& stored) {
  const formats::TensorEntry& entry = *stored.entry;
  REEL_REQUIRE(kernels_read(entry.dtype), kUnsupported,
               str_cat(stored.file->path(), ": \"", entry.name, "\" is ", entry.dtype,
                       ", which is not read on a GPU."),
               "Use --device cpu, or a checkpoint in another precision.");
  const int64_t rows = rows_of(entry.shape);
  const int64_t width = rows == 0 ? 0 : entry.shape.elements() / rows;
  REEL_REQUIRE(
      width % block_elements(entry.dtype) == 0, kBadFile,
      str_cat(stored.file->path(), ": \"", entry.name, "\" is ", entry.dtype, ' ', entry.shape,
              "; its rows are not whole blocks of ", block_elements(entry.dtype), '.'));
}

bool is_byte_format(DType dtype) { return !is_block_format(dtype) && block_bytes(dtype) == 1; }

}  // namespace

uint64_t SlotPlanner::take_slot(uint64_t bytes) {
  return std::exchange(layout_.slot_bytes, layout_.slot_bytes + aligned(bytes));
}

void SlotPlanner::add(const WeightItem& item, const StoredTensor& stored) {
  check_stored(stored);
  PlannedItem& planned = layout_.items.emplace_back();
  planned.kind = item.kind;
  planned.shape = item.shape;
  item_shared_bytes_ = 0;
  switch (item.kind) {
    case WeightKind::kMatrix:
    case WeightKind::kMatrixWide:
    case WeightKind::kMatrixF32: add_matrix(item, stored, planned); break;
    case WeightKind::kConv: add_conv(item, stored, planned); break;
    default: add_tensor(item, stored, planned); break;
  }
  if (!planned.rows.empty()) add_deltas(stored, planned);
  shared_bytes_ = std::max(shared_bytes_, item_shared_bytes_);
}

void SlotPlanner::add_tensor(const WeightItem& item, const StoredTensor& stored,
                             PlannedItem& planned) {
  const int64_t elements = item.shape.elements();
  planned.parts = {take_slot(static_cast<uint64_t>(storage_bytes(DType::kF32, elements)))};
  // Without scales the rows do not matter: one long row keeps a GPU busier than many short ones.
  const bool has_factors = std::ranges::any_of(
      stored.deltas, [](const checkpoint::Delta& delta) { return delta.down != nullptr; });
  const int64_t rows = scale_count(stored) > 1 || has_factors ? rows_of(item.shape) : 1;
  const RowRange all{.first = 0, .rows = rows, .width = elements / std::max<int64_t>(1, rows)};
  add_rows(stored, all, {.bytes = planned.parts[0]}, DType::kF32, planned);
}

void SlotPlanner::add_matrix(const WeightItem& item, const StoredTensor& stored,
                             PlannedItem& planned) {
  planned.dtype = matrix_dtype(item, precision_);
  planned.out = rows_of(item.shape) / item.parts;
  planned.in = item.shape.elements() / std::max<int64_t>(1, rows_of(item.shape));
  const auto bytes =
      static_cast<uint64_t>(kernels_.packed_matrix_bytes(planned.dtype, planned.out, planned.in));
  for (int part = 0; part < item.parts; ++part) {
    planned.parts.push_back(take_slot(bytes));
    const RowRange range{.first = part * planned.out, .rows = planned.out, .width = planned.in};
    add_rows(stored, range, {.bytes = planned.parts.back()}, planned.dtype, planned);
  }
}

void SlotPlanner::add_conv(const WeightItem& item, const StoredTensor& stored,
                           PlannedItem& planned) {
  planned.dtype = precision_.compute;
  planned.conv = conv_shape(item);
  const int64_t elements = item.shape.elements();
  const auto part_bytes = static_cast<uint64_t>(storage_bytes(DType::kF32, elements / item.parts));
  // f32 in the shared part of the staging area, behind what is stored unless that is f32.
  const int64_t rows = std::max<int64_t>(1, rows_of(item.shape));
  const RowRange all{.first = 0, .rows = rows, .width = elements / rows};
  add_rows(stored, all, {.bytes = 0, .in_staging = true}, DType::kF32, planned);
  const uint64_t begin = planned.rows.empty() ? 0 : planned.rows[0].to.bytes;
  item_shared_bytes_ = std::max(item_shared_bytes_, aligned(begin + part_bytes * item.parts));
  for (int part = 0; part < item.parts; ++part) {
    planned.parts.push_back(
        take_slot(static_cast<uint64_t>(kernels_.packed_conv_bytes(planned.dtype, planned.conv))));
    planned.convs.push_back({.from = {.bytes = begin + part * part_bytes, .in_staging = true},
                             .to = {.bytes = planned.parts.back()},
                             .shape = planned.conv,
                             .newest_first = item.frames > 1});
  }
}

// Some rows of a stored tensor, to numbers of `dtype` at `to`.
void SlotPlanner::add_rows(const StoredTensor& stored, const RowRange& range, Place to, DType dtype,
                           PlannedItem& planned) {
  const formats::TensorEntry& entry = *stored.entry;
  const int64_t scales = scale_count(stored);
  const auto bytes_of = [&](int64_t rows) {
    return static_cast<uint64_t>(storage_bytes(entry.dtype, rows * range.width));
  };
  const uint64_t offset_bytes = bytes_of(range.first);
  const uint64_t size_bytes = bytes_of(range.rows);
  if (size_bytes == 0) return;
  const bool is_as_stored = entry.dtype == dtype && !has_row_scales(dtype) && scales == 0;
  const bool is_in_place = has_row_scales(dtype) && is_byte_format(entry.dtype);
  Place from = to;
  if (!is_as_stored && !is_in_place) {
    from = {.bytes = offset_bytes, .in_staging = true};
    if (to.in_staging) to.bytes = aligned(size_bytes);
    item_shared_bytes_ = std::max(item_shared_bytes_, aligned(offset_bytes + size_bytes));
  }
  weight_reads_.push_back({.file = stored.file,
                           .entry = &entry,
                           .offset_bytes = offset_bytes,
                           .size_bytes = size_bytes,
                           .to_bytes = from.bytes,
                           .to_staging = from.in_staging,
                           .item = last_item()});
  if (is_as_stored && stored.deltas.empty()) return;
  RowsStep step{.from = from,
                .to = to,
                .scale = {},
                .from_dtype = entry.dtype,
                .to_dtype = dtype,
                .scale_dtype = scales == 0 ? DType::kF32 : stored.scale->dtype,
                .scale_count = scales > 1 ? range.rows : scales,
                .rows = range.rows,
                .width = range.width,
                .deltas = {},
                .changed = {}};
  if (scales > 0) step.scale = scale_place(stored, range.first);
  planned.rows.push_back(step);
}

// What LoRAs add to an item arrives in the shared part of the staging area, above the item's own.
void SlotPlanner::add_deltas(const StoredTensor& stored, PlannedItem& planned) {
  if (stored.deltas.empty()) return;
  const RowsStep& any = planned.rows[0];
  Place changed{.bytes = item_shared_bytes_, .in_staging = true};
  if (any.to_dtype != DType::kF32) {
    const int64_t rows = memory::changed_rows(any.rows, any.width);
    item_shared_bytes_ +=
        aligned(static_cast<uint64_t>(storage_bytes(DType::kF32, rows * any.width)));
  }
  for (RowsStep& step : planned.rows) step.changed = changed;
  for (const checkpoint::Delta& delta : stored.deltas) {
    DeltaStep add{.up = delta_place(delta, *delta.up),
                  .down = {},
                  .up_dtype = delta.up->dtype,
                  .rank = delta.rank,
                  .factor = delta.factor};
    if (delta.down != nullptr) {
      add.down = delta_place(delta, *delta.down);
      add.down_dtype = delta.down->dtype;
    }
    int64_t first_row = 0;
    for (RowsStep& step : planned.rows) {
      const int64_t up_width = add.rank == 0 ? step.width : add.rank;
      DeltaStep of_part = add;
      of_part.up.bytes += static_cast<uint64_t>(storage_bytes(add.up_dtype, first_row * up_width));
      step.deltas.push_back(of_part);
      first_row += step.rows;
    }
  }
}

// Where a tensor of a LoRA arrives.
Place SlotPlanner::delta_place(const checkpoint::Delta& delta, const formats::TensorEntry& entry) {
  const Place place{.bytes = item_shared_bytes_, .in_staging = true};
  item_shared_bytes_ += aligned(dense_bytes(entry));
  layout_.delta_entries.insert(&entry);
  delta_reads_.push_back({.file = delta.file,
                          .entry = &entry,
                          .offset_bytes = 0,
                          .size_bytes = dense_bytes(entry),
                          .to_bytes = place.bytes,
                          .to_staging = true,
                          .item = last_item()});
  return place;
}

// Where the scales of a tensor arrive, from that of `first_row` on.
Place SlotPlanner::scale_place(const StoredTensor& stored, int64_t first_row) {
  const formats::TensorEntry& entry = *stored.scale;
  const auto [found, is_new] = scale_places_.try_emplace(&entry, scale_bytes_);
  if (is_new) {
    scale_bytes_ += aligned(dense_bytes(entry));
    early_reads_.push_back({.file = stored.scale_file,
                            .entry = &entry,
                            .offset_bytes = 0,
                            .size_bytes = dense_bytes(entry),
                            .to_bytes = found->second,
                            .to_staging = true,
                            .item = last_item()});
  }
  const int64_t at = entry.shape.elements() > 1 ? first_row : 0;
  return {.bytes = found->second + static_cast<uint64_t>(storage_bytes(entry.dtype, at)),
          .in_staging = true};
}

// The staging area: scales of all items, then one part that all items use in turn.
void SlotPlanner::place_staging() {
  for (PlannedItem& item : layout_.items) {
    for (RowsStep& step : item.rows) {
      if (step.from.in_staging) step.from.bytes += scale_bytes_;
      if (step.to.in_staging) step.to.bytes += scale_bytes_;
      step.changed.bytes += scale_bytes_;
      for (DeltaStep& delta : step.deltas) {
        delta.up.bytes += scale_bytes_;
        delta.down.bytes += scale_bytes_;
      }
    }
    for (ConvStep& step : item.convs) step.from.bytes += scale_bytes_;
  }
  for (SlotRead& read : weight_reads_) {
    if (read.to_staging) read.to_bytes += scale_bytes_;
  }
  for (SlotRead& read : delta_reads_) read.to_bytes += scale_bytes_;
  layout_.staging_bytes = scale_bytes_ + shared_bytes_;
}

void SlotPlanner::sort_reads() {
  const auto before = [](const SlotRead& a, const SlotRead& b) {
    return std::tuple(a.file->path(), a.entry->offset_bytes, a.item, a.offset_bytes) <
           std::tuple(b.file->path(), b.entry->offset_bytes, b.item, b.offset_bytes);
  };
  std::ranges::sort(early_reads_, before);
  std::ranges::sort(weight_reads_, before);
  layout_.scale_reads = early_reads_.size();
  layout_.reads = std::move(early_reads_);
  int item = -1;
  for (const SlotRead& read : weight_reads_) {
    if (read.item != std::exchange(item, read.item)) {
      std::ranges::copy_if(delta_reads_, std::back_inserter(layout_.reads),
                           [&](const SlotRead& delta) { return delta.item == item; });
    }
    layout_.reads.push_back(read);
  }
  weight_reads_.clear();
  delta_reads_.clear();
}

SlotLayout SlotPlanner::finish() && {
  place_staging();
  sort_reads();
  return std::move(layout_);
}

}  // namespace reel::prepare
