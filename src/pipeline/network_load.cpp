// SPDX-License-Identifier: Apache-2.0
#include "pipeline/network_load.h"

#include "base/error.h"
#include "prepare/weight_items.h"

namespace reel::pipeline {
namespace {

memory::StoredItem stored_item(const checkpoint::Component& component, const std::string& name) {
  const checkpoint::StoredTensor* const stored = component.find(name);
  REEL_REQUIRE(stored != nullptr, kNotFound,
               str_cat(component.path.string(), " has no tensor \"", name, "\"."));
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

memory::BlockLoad load_of(const memory::WeightBlock& block, const checkpoint::Component& component,
                          const memory::DevicePrecision& precision) {
  memory::BlockLoad load{.name = block.name};
  for (const memory::WeightItem& item : block.items) {
    load.add(item, stored_item(component, item.name), precision);
  }
  return load;
}

}  // namespace

memory::NetworkLoad network_load(const std::vector<checkpoint::NeededTensor>& needed,
                                 const checkpoint::Component& component,
                                 const memory::DevicePrecision& precision) {
  const memory::Manifest manifest = prepare::make_manifest(needed);
  memory::NetworkLoad load{.precision = component.precision,
                           .fixed = load_of(manifest.fixed, component, precision),
                           .setup = load_of(manifest.setup, component, precision),
                           .blocks = {}};
  for (const memory::WeightBlock& block : manifest.blocks) {
    load.blocks.push_back(load_of(block, component, precision));
  }
  return load;
}

}  // namespace reel::pipeline
