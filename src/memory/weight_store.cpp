// SPDX-License-Identifier: Apache-2.0
#include "memory/weight_store.h"

#include <utility>

namespace reel::memory {

WeightStore::WeightStore(Manifest manifest, BlockPreparer& preparer, uint64_t budget_bytes)
    : manifest_(std::move(manifest)),
      preparer_(preparer),
      fixed_(preparer.prepare(manifest_.fixed)) {
  uint64_t used_bytes = preparer.prepared_bytes(manifest_.fixed);
  for (const WeightBlock& block : manifest_.blocks) {
    used_bytes += preparer.prepared_bytes(block);
    if (used_bytes > budget_bytes) break;
    ++resident_blocks_;
  }
  resident_.resize(static_cast<size_t>(resident_blocks_));
}

const WeightSource& WeightStore::setup() {
  if (setup_ == nullptr) setup_ = preparer_.prepare(manifest_.setup);
  return *setup_;
}

const WeightSource& WeightStore::acquire(int index, Stream) {
  setup_.reset();
  const WeightBlock& block = manifest_.blocks.at(static_cast<size_t>(index));
  if (index < resident_blocks_) {
    auto& slot = resident_[static_cast<size_t>(index)];
    if (slot == nullptr) slot = preparer_.prepare(block);
    return *slot;
  }
  passing_.reset();  // before the next one is made: never two at once
  passing_ = preparer_.prepare(block);
  return *passing_;
}

}  // namespace reel::memory
