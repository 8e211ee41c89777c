// SPDX-License-Identifier: Apache-2.0
#include "prepare/device_preparer.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/tree_digest.h"
#include "memory/arena_layout.h"
#include "memory/device_weights.h"
#include "prepare/dequantise.h"
#include "prepare/row_steps.h"
#include "prepare/stored_tables.h"

namespace reel::prepare {
namespace {

using checkpoint::StoredTensor;
using memory::aligned;
using memory::SlotRead;
using memory::WeightBlock;
using memory::WeightItem;
using memory::WeightKind;

// One call of pack_conv, for one part.
struct ConvStep {
  Place from, to;
  ConvShape shape;
};

// Rows of a stored tensor.
struct RowRange {
  int64_t first = 0, rows = 0, width = 0;
};

struct PlannedItem {
  WeightKind kind = WeightKind::kTensor;
  Shape shape;
  std::vector<uint64_t> parts;  // where they begin in the slot
  DType dtype = DType::kF32;
  int64_t out = 0, in = 0;  // of a matrix part
  ConvShape conv;           // of a convolution part
  std::vector<RowsStep> rows;
  std::vector<ConvStep> convs;
};

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

class DevicePreparer::Plan : public memory::SlotPlan {
 public:
  Plan(DevicePreparer& preparer, const WeightBlock& block)
      : preparer_(preparer), block_(block.name), tables_(block.name, preparer.table_bytes_read_) {
    for (const WeightItem& item : block.items) {
      const StoredTensor& stored = stored_tensor(preparer.component_, item);
      if (item.kind == WeightKind::kTable) {
        tables_.add(item.name, stored);
        preparer.digests_.set_table(item.name, stored);
        continue;
      }
      check_stored(stored);
      add(item, stored);
    }
    place_staging();
    sort_reads();
  }

  uint64_t slot_bytes() const override { return slot_bytes_; }
  uint64_t staging_bytes() const override { return staging_bytes_; }
  const std::vector<SlotRead>& reads() const override { return reads_; }

  void make_item(int item, std::byte* slot, std::byte* staging, Stream stream) const override {
    const PlannedItem& planned = items_[static_cast<size_t>(item)];
    for (const RowsStep& step : planned.rows) {
      launch_rows(step, preparer_.kernels_, slot, staging, stream);
    }
    for (const ConvStep& step : planned.convs) {
      preparer_.kernels_.pack_conv(
          {.from = reinterpret_cast<const float*>(step.from.in(slot, staging)),
           .shape = step.shape,
           .dtype = planned.dtype,
           .to = step.to.in(slot, staging)},
          stream);
    }
  }

  std::unique_ptr<memory::WeightSource> open(std::byte* slot) const override {
    return std::make_unique<Source>(*this, slot);
  }

  std::unique_ptr<memory::BlockDigest> start_digest() override {
    return std::make_unique<ReadDigest>(*this);
  }

 private:
  // The weights of the block in one slot.
  class Source : public memory::WeightSource {
   public:
    Source(const Plan& plan, std::byte* slot) : plan_(plan), slot_(slot) {}

    bool has(std::string_view name) const override {
      return plan_.by_name_.contains(name) || plan_.tables_.has(name);
    }
    TensorView tensor(std::string_view name) const override {
      const PlannedItem& item = plan_.item(name);
      REEL_REQUIRE(item.kind == WeightKind::kTensor, kNotFound,
                   str_cat(plan_.block_, " has no tensor \"", name, '"'));
      return {.data = slot_ + item.parts[0], .dtype = DType::kF32, .shape = item.shape};
    }
    MatrixView matrix(std::string_view name, int part) const override {
      const PlannedItem& item = plan_.item(name);
      return {.data = slot_ + item.parts.at(static_cast<size_t>(part)),
              .dtype = item.dtype,
              .out = item.out,
              .in = item.in};
    }
    ConvView conv(std::string_view name, int part) const override {
      const PlannedItem& item = plan_.item(name);
      return {.data = slot_ + item.parts.at(static_cast<size_t>(part)),
              .dtype = item.dtype,
              .shape = item.conv};
    }
    // To host memory, from the file.
    void gather_rows(std::string_view name, std::span<const int32_t> ids,
                     const TensorView& out) const override {
      plan_.tables_.gather_rows(name, ids, out);
    }

   private:
    const Plan& plan_;
    std::byte* slot_;
  };

  // Of each item: its stored bytes, and its scales behind them.
  class ReadDigest : public memory::BlockDigest {
   public:
    explicit ReadDigest(const Plan& plan) : plan_(plan) {
      for (const uint64_t bytes : plan.stored_bytes_) items_.emplace_back(bytes);
    }

    void add(size_t read, uint64_t offset_bytes, std::span<const std::byte> bytes) override {
      const SlotRead& from = plan_.reads_[read];
      if (plan_.is_delta(from)) return;  // the files of LoRAs are summed up whole
      const auto item = static_cast<size_t>(from.item);
      const bool is_scale = read < plan_.scale_reads_;
      const uint64_t begin_bytes =
          is_scale ? plan_.stored_bytes_[item] - dense_bytes(*from.entry) : from.offset_bytes;
      items_[item].add(begin_bytes + offset_bytes, bytes);
    }

    void finish() override {
      for (size_t item = 0; item < items_.size(); ++item) {
        plan_.preparer_.digests_.set(plan_.names_[item], items_[item].hex());
      }
    }

   private:
    const Plan& plan_;
    std::deque<TreeDigest> items_;  // which stay where they are
  };

  bool is_delta(const SlotRead& read) const { return delta_entries_.contains(read.entry); }

  const PlannedItem& item(std::string_view name) const {
    const auto found = by_name_.find(name);
    REEL_REQUIRE(found != by_name_.end(), kNotFound,
                 str_cat(block_, " has no weight \"", name, "\" (",
                         preparer_.component_.path.string(), ')'));
    return items_[found->second];
  }

  uint64_t take_slot(uint64_t bytes) {
    return std::exchange(slot_bytes_, slot_bytes_ + aligned(bytes));
  }

  void add(const WeightItem& item, const StoredTensor& stored) {
    by_name_.emplace(item.name, items_.size());
    names_.push_back(item.name);
    PlannedItem& planned = items_.emplace_back();
    stored_bytes_.push_back(stored_bytes(stored));
    // Of which nothing will be read.
    if (stored_bytes_.back() == 0) preparer_.digests_.set(item.name, TreeDigest(0).hex());
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

  void add_tensor(const WeightItem& item, const StoredTensor& stored, PlannedItem& planned) {
    const int64_t elements = item.shape.elements();
    planned.parts = {take_slot(static_cast<uint64_t>(storage_bytes(DType::kF32, elements)))};
    // Without scales the rows do not matter: one long row keeps a GPU busier than many short ones.
    const bool has_factors = std::ranges::any_of(
        stored.deltas, [](const checkpoint::Delta& delta) { return delta.down != nullptr; });
    const int64_t rows = scale_count(stored) > 1 || has_factors ? rows_of(item.shape) : 1;
    const RowRange all{.first = 0, .rows = rows, .width = elements / std::max<int64_t>(1, rows)};
    add_rows(stored, all, {.bytes = planned.parts[0]}, DType::kF32, planned);
  }

  void add_matrix(const WeightItem& item, const StoredTensor& stored, PlannedItem& planned) {
    planned.dtype = matrix_dtype(item, preparer_.precision_);
    planned.out = rows_of(item.shape) / item.parts;
    planned.in = item.shape.elements() / std::max<int64_t>(1, rows_of(item.shape));
    const auto bytes = static_cast<uint64_t>(
        preparer_.kernels_.packed_matrix_bytes(planned.dtype, planned.out, planned.in));
    for (int part = 0; part < item.parts; ++part) {
      planned.parts.push_back(take_slot(bytes));
      const RowRange range{.first = part * planned.out, .rows = planned.out, .width = planned.in};
      add_rows(stored, range, {.bytes = planned.parts.back()}, planned.dtype, planned);
    }
  }

  void add_conv(const WeightItem& item, const StoredTensor& stored, PlannedItem& planned) {
    planned.dtype = preparer_.precision_.compute;
    planned.conv = conv_shape(item);
    const int64_t elements = item.shape.elements();
    const auto part_bytes =
        static_cast<uint64_t>(storage_bytes(DType::kF32, elements / item.parts));
    // f32 in the shared part of the staging area, behind what is stored unless that is f32.
    const int64_t rows = std::max<int64_t>(1, rows_of(item.shape));
    const RowRange all{.first = 0, .rows = rows, .width = elements / rows};
    add_rows(stored, all, {.bytes = 0, .in_staging = true}, DType::kF32, planned);
    const uint64_t begin = planned.rows.empty() ? 0 : planned.rows[0].to.bytes;
    item_shared_bytes_ = std::max(item_shared_bytes_, aligned(begin + part_bytes * item.parts));
    for (int part = 0; part < item.parts; ++part) {
      planned.parts.push_back(take_slot(static_cast<uint64_t>(
          preparer_.kernels_.packed_conv_bytes(planned.dtype, planned.conv))));
      planned.convs.push_back({.from = {.bytes = begin + part * part_bytes, .in_staging = true},
                               .to = {.bytes = planned.parts.back()},
                               .shape = planned.conv});
    }
  }

  // Some rows of a stored tensor, to numbers of `dtype` at `to`.
  void add_rows(const StoredTensor& stored, const RowRange& range, Place to, DType dtype,
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
                             .item = static_cast<int>(items_.size()) - 1});
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
  void add_deltas(const StoredTensor& stored, PlannedItem& planned) {
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
        of_part.up.bytes +=
            static_cast<uint64_t>(storage_bytes(add.up_dtype, first_row * up_width));
        step.deltas.push_back(of_part);
        first_row += step.rows;
      }
    }
  }

  // Where a tensor of a LoRA arrives.
  Place delta_place(const checkpoint::Delta& delta, const formats::TensorEntry& entry) {
    const Place place{.bytes = item_shared_bytes_, .in_staging = true};
    item_shared_bytes_ += aligned(dense_bytes(entry));
    delta_entries_.insert(&entry);
    delta_reads_.push_back({.file = delta.file,
                            .entry = &entry,
                            .offset_bytes = 0,
                            .size_bytes = dense_bytes(entry),
                            .to_bytes = place.bytes,
                            .to_staging = true,
                            .item = static_cast<int>(items_.size()) - 1});
    return place;
  }

  // Where the scales of a tensor arrive, from that of `first_row` on.
  Place scale_place(const StoredTensor& stored, int64_t first_row) {
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
                              .item = static_cast<int>(items_.size()) - 1});
    }
    const int64_t at = entry.shape.elements() > 1 ? first_row : 0;
    return {.bytes = found->second + static_cast<uint64_t>(storage_bytes(entry.dtype, at)),
            .in_staging = true};
  }

  // The staging area: scales of all items, then one part that all items use in turn.
  void place_staging() {
    for (PlannedItem& item : items_) {
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
    staging_bytes_ = scale_bytes_ + shared_bytes_;
  }

  // Scales first: an item is made when its numbers have arrived. Both in the order of the file.
  // LoRAs' tensors right before what they are added to: the next item takes their place.
  void sort_reads() {
    const auto before = [](const SlotRead& a, const SlotRead& b) {
      return std::tuple(a.file->path(), a.entry->offset_bytes, a.item, a.offset_bytes) <
             std::tuple(b.file->path(), b.entry->offset_bytes, b.item, b.offset_bytes);
    };
    std::ranges::sort(early_reads_, before);
    std::ranges::sort(weight_reads_, before);
    scale_reads_ = early_reads_.size();
    reads_ = std::move(early_reads_);
    int item = -1;
    for (const SlotRead& read : weight_reads_) {
      if (read.item != std::exchange(item, read.item)) {
        std::ranges::copy_if(delta_reads_, std::back_inserter(reads_),
                             [&](const SlotRead& delta) { return delta.item == item; });
      }
      reads_.push_back(read);
    }
    weight_reads_.clear();
    delta_reads_.clear();
  }

  DevicePreparer& preparer_;
  std::string block_;
  std::vector<PlannedItem> items_;
  std::vector<std::string> names_;      // of the items
  std::vector<uint64_t> stored_bytes_;  // of the items, with their scales
  std::map<std::string, size_t, std::less<>> by_name_;
  StoredTables tables_;
  uint64_t slot_bytes_ = 0;
  uint64_t staging_bytes_ = 0;
  std::vector<SlotRead> reads_;
  size_t scale_reads_ = 0;  // the first of reads_
  std::set<const formats::TensorEntry*> delta_entries_;

  // While planning.
  std::vector<SlotRead> early_reads_, weight_reads_, delta_reads_;
  std::map<const formats::TensorEntry*, uint64_t> scale_places_;
  uint64_t scale_bytes_ = 0;
  uint64_t shared_bytes_ = 0;
  uint64_t item_shared_bytes_ = 0;  // of the item that is being added
};

std::unique_ptr<memory::SlotPlan> DevicePreparer::plan(const WeightBlock& block) {
  REEL_REQUIRE(
      kernels_.prepare_rows != nullptr && kernels_.packed_matrix_bytes != nullptr, kUnsupported,
      str_cat("The ", kernels_.backend, " backend prepares no weights where they arrive."));
  return std::make_unique<Plan>(*this, block);
}

}  // namespace reel::prepare
