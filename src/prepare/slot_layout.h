// SPDX-License-Identifier: Apache-2.0
// Where the stored bytes of a block arrive, where its weights lie, and what is launched in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/packed_weights.h"
#include "memory/manifest.h"
#include "memory/slot_plan.h"
#include "ops/kernels.h"
#include "prepare/row_steps.h"
#include "prepare/weight_items.h"

namespace reel::prepare {

// One call of pack_conv, for one part.
struct ConvStep {
  Place from, to;
  ConvShape shape;
  bool newest_first = false;
};

struct PlannedItem {
  memory::WeightKind kind = memory::WeightKind::kTensor;
  Shape shape;
  std::vector<uint64_t> parts;  // where they begin in the slot
  DType dtype = DType::kF32;
  int64_t out = 0, in = 0;  // of a matrix part
  ConvShape conv;           // of a convolution part
  std::vector<RowsStep> rows;
  std::vector<ConvStep> convs;
};

struct SlotLayout {
  std::vector<PlannedItem> items;
  uint64_t slot_bytes = 0;
  uint64_t staging_bytes = 0;
  // Scales first: an item is made when its numbers have arrived. Both in the order of the file.
  // LoRAs' tensors right before what they are added to: the next item takes their place.
  std::vector<memory::SlotRead> reads;
  size_t scale_reads = 0;                               // the first of reads
  std::set<const formats::TensorEntry*> delta_entries;  // of LoRAs
};

// Takes the items of a block one after the other.
class SlotPlanner {
 public:
  // Both must outlive this object.
  SlotPlanner(const ops::Kernels& kernels, const Precision& precision)
      : kernels_(kernels), precision_(precision) {}

  // Throws kBadFile for rows that are no whole blocks of their format, kUnsupported for a number
  // format that the kernels do not read.
  void add(const memory::WeightItem& item, const checkpoint::StoredTensor& stored);
  SlotLayout finish() &&;

 private:
  // Rows of a stored tensor.
  struct RowRange {
    int64_t first = 0, rows = 0, width = 0;
  };

  uint64_t take_slot(uint64_t bytes);
  int last_item() const { return static_cast<int>(layout_.items.size()) - 1; }
  void add_tensor(const memory::WeightItem& item, const checkpoint::StoredTensor& stored,
                  PlannedItem& planned);
  void add_matrix(const memory::WeightItem& item, const checkpoint::StoredTensor& stored,
                  PlannedItem& planned);
  void add_conv(const memory::WeightItem& item, const checkpoint::StoredTensor& stored,
                PlannedItem& planned);
  void add_rows(const checkpoint::StoredTensor& stored, const RowRange& range, Place to,
                DType dtype, PlannedItem& planned);
  void add_deltas(const checkpoint::StoredTensor& stored, PlannedItem& planned);
  Place delta_place(const checkpoint::Delta& delta, const formats::TensorEntry& entry);
  Place scale_place(const checkpoint::StoredTensor& stored, int64_t first_row);
  void place_staging();
  void sort_reads();

  const ops::Kernels& kernels_;
  const Precision& precision_;
  SlotLayout layout_;
  std::vector<memory::SlotRead> early_reads_, weight_reads_, delta_reads_;
  std::map<const formats::TensorEntry*, uint64_t> scale_places_;
  uint64_t scale_bytes_ = 0;
  uint64_t shared_bytes_ = 0;
  uint64_t item_shared_bytes_ = 0;  // of the item that is being added
};

}  // namespace reel::prepare
