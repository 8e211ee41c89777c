// SPDX-License-Identifier: Apache-2.0
#include "pipeline/network_load.h"

#include <functional>

#include "base/error.h"
#include "prepare/weight_items.h"

namespace reel::pipeline {
namespace {

memory::StoredItem stored_item(const memory::WeightItem& wanted,
                               const checkpoint::Component& component) {
  const checkpoint::StoredTensor* const stored = component.find(wanted.name);
  REEL_REQUIRE(stored != nullptr, kNotFound,
               str_cat(component.path.string(), " has no tensor \"", wanted.name, "\"."));
  memory::StoredItem item{.dtype = stored->entry->dtype,
                          .bytes = stored->entry->size_bytes,
                          .scale_bytes = stored->scale == nullptr ? 0 : stored->scale->size_bytes,
                          .delta_bytes = {},
                          .delta_ranks = {}};
  for (const checkpoint::Delta& delta : stored->deltas) {
    item.delta_ranks.push_back(delta.rank);
    for (const formats::TensorEntry* entry : {delta.up, delta.down}) {
      if (entry == nullptr) continue;
      item.delta_bytes.push_back(
          static_cast<uint64_t>(storage_bytes(entry->dtype, entry->shape.elements())));
    }
  }
  return item;
}

memory::StoredItem in_8_bits(const memory::WeightItem& item, memory::StoredItem stored) {
  const bool is_matrix = item.shape.axes() == 2 && item.name.starts_with("blocks.");
  const auto numbers = static_cast<uint64_t>(item.shape.elements());
  stored.dtype = is_matrix ? DType::kF8E4M3 : DType::kF32;
  stored.bytes = is_matrix ? numbers : numbers * sizeof(float);
  stored.scale_bytes = is_matrix ? static_cast<uint64_t>(item.shape[0]) * sizeof(float) : 0;
  return stored;
}

using HowStored =
    std::function<memory::StoredItem(const memory::WeightItem&, const checkpoint::Component&)>;

memory::BlockLoad load_of(const memory::WeightBlock& block, const checkpoint::Component& component,
                          const memory::DevicePrecision& precision, const HowStored& stored) {
  memory::BlockLoad load{.name = block.name};
  for (const memory::WeightItem& item : block.items) {
    load.add(item, stored(item, component), precision);
  }
  return load;
}

memory::NetworkLoad load_of(const std::vector<checkpoint::NeededTensor>& needed,
                            const checkpoint::Component& component,
                            const memory::DevicePrecision& precision, const HowStored& stored) {
  const memory::Manifest manifest = prepare::make_manifest(needed);
  memory::NetworkLoad load{.precision = component.precision,
                           .fixed = load_of(manifest.fixed, component, precision, stored),
                           .setup = load_of(manifest.setup, component, precision, stored),
                           .blocks = {}};
  for (const memory::WeightBlock& block : manifest.blocks) {
    load.blocks.push_back(load_of(block, component, precision, stored));
  }
  return load;
}

}  // namespace

memory::NetworkLoad network_load(const std::vector<checkpoint::NeededTensor>& needed,
                                 const checkpoint::Component& component,
                                 const memory::DevicePrecision& precision) {
  return load_of(needed, component, precision, stored_item);
}

memory::NetworkLoad load_of_8bit_files(const std::vector<checkpoint::NeededTensor>& needed,
                                       const checkpoint::Component& component,
                                       const memory::DevicePrecision& precision) {
  return load_of(needed, component, precision,
                 [](const memory::WeightItem& item, const checkpoint::Component& found) {
                   return in_8_bits(item, stored_item(item, found));
                 });
}

}  // namespace reel::pipeline
