// SPDX-License-Identifier: Apache-2.0
#include "prepare/device_preparer.h"

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/tree_digest.h"
#include "prepare/dequantise.h"
#include "prepare/slot_layout.h"
#include "prepare/stored_tables.h"

namespace reel::prepare {
namespace {

using checkpoint::StoredTensor;
using memory::SlotRead;
using memory::WeightBlock;
using memory::WeightItem;
using memory::WeightKind;

}  // namespace

class DevicePreparer::Plan : public memory::SlotPlan {
 public:
  Plan(DevicePreparer& preparer, const WeightBlock& block)
      : preparer_(preparer), block_(block.name), tables_(block.name, preparer.table_bytes_read_) {
    SlotPlanner planner(preparer.kernels_, preparer.precision_);
    for (const WeightItem& item : block.items) {
      const StoredTensor& stored = stored_tensor(preparer.component_, item);
      if (item.kind == WeightKind::kTable) {
        tables_.add(item.name, stored);
        preparer.digests_.set_table(item.name, stored);
        continue;
      }
      planner.add(item, stored);
      by_name_.emplace(item.name, names_.size());
      names_.push_back(item.name);
      stored_.push_back(&stored);
      stored_bytes_.push_back(stored_bytes(stored));
      // Of which nothing will be read.
      if (stored_bytes_.back() == 0) preparer.digests_.set(item.name, TreeDigest(0).hex());
    }
    layout_ = std::move(planner).finish();
  }

  uint64_t slot_bytes() const override { return layout_.slot_bytes; }
  uint64_t staging_bytes() const override { return layout_.staging_bytes; }
  const std::vector<SlotRead>& reads() const override { return layout_.reads; }

  void make_item(int item, std::byte* slot, std::byte* staging, Stream stream) const override {
    const PlannedItem& planned = layout_.items[static_cast<size_t>(item)];
    for (const RowsStep& step : planned.rows) {
      launch_rows(step, preparer_.kernels_, slot, staging, stream);
    }
    for (const ConvStep& step : planned.convs) {
      preparer_.kernels_.pack_conv(
          {.from = reinterpret_cast<const float*>(step.from.in(slot, staging)),
           .shape = step.shape,
           .dtype = planned.dtype,
           .to = step.to.in(slot, staging),
           .newest_first = step.newest_first},
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
      const SlotRead& from = plan_.layout_.reads[read];
      if (plan_.is_delta(from)) return;  // the files of LoRAs are summed up whole
      const auto item = static_cast<size_t>(from.item);
      const bool is_scale = read < plan_.layout_.scale_reads;
      const uint64_t begin_bytes =
          is_scale ? plan_.stored_bytes_[item] - dense_bytes(*from.entry) : from.offset_bytes;
      items_[item].add(begin_bytes + offset_bytes, bytes);
    }

    void finish() override {
      for (size_t item = 0; item < items_.size(); ++item) {
        std::string digest = items_[item].hex();
        require_digest(*plan_.stored_[item], digest);
        plan_.preparer_.digests_.set(plan_.names_[item], std::move(digest));
      }
    }

   private:
    const Plan& plan_;
    std::deque<TreeDigest> items_;  // which stay where they are
  };

  bool is_delta(const SlotRead& read) const { return layout_.delta_entries.contains(read.entry); }

  const PlannedItem& item(std::string_view name) const {
    const auto found = by_name_.find(name);
    REEL_REQUIRE(found != by_name_.end(), kNotFound,
                 str_cat(block_, " has no weight \"", name, "\" (",
                         preparer_.component_.path.string(), ')'));
    return layout_.items[found->second];
  }

  DevicePreparer& preparer_;
  std::string block_;
  SlotLayout layout_;
  std::vector<std::string> names_;  // of the items
  std::vector<const StoredTensor*> stored_;
  std::vector<uint64_t> stored_bytes_;  // of the items, with their scales
  std::map<std::string, size_t, std::less<>> by_name_;
  StoredTables tables_;
};

std::unique_ptr<memory::SlotPlan> DevicePreparer::plan(const WeightBlock& block) {
  REEL_REQUIRE(
      kernels_.prepare_rows != nullptr && kernels_.packed_matrix_bytes != nullptr, kUnsupported,
      str_cat("The ", kernels_.backend, " backend prepares no weights where they arrive."));
  return std::make_unique<Plan>(*this, block);
}

}  // namespace reel::prepare
