// SPDX-License-Identifier: Apache-2.0
// Weights in host memory: as many blocks resident as a budget allows, the others prepared at every
// use.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "memory/block_preparer.h"
#include "memory/manifest.h"
#include "memory/weight_source.h"

namespace reel::memory {

class WeightStore : public BlockSource {
 public:
  // Prepares the fixed weights at once and blocks when first acquired. Blocks stay resident while
  // their sum is at most `budget_bytes`; which ones do depends on sizes alone. `preparer` must
  // outlive the store.
  WeightStore(Manifest manifest, BlockPreparer& preparer, uint64_t budget_bytes);

  int blocks() const override { return static_cast<int>(manifest_.blocks.size()); }
  const WeightSource& fixed() override { return *fixed_; }
  const WeightSource& setup() override;
  const WeightSource& acquire(int index, Stream stream) override;

  int resident_blocks() const { return resident_blocks_; }

 private:
  Manifest manifest_;
  BlockPreparer& preparer_;
  int resident_blocks_ = 0;
  std::unique_ptr<WeightSource> fixed_;
  std::unique_ptr<WeightSource> setup_;
  std::vector<std::unique_ptr<WeightSource>> resident_;
  std::unique_ptr<WeightSource> passing_;  // the one block that is not kept
};

}  // namespace reel::memory
