// SPDX-License-Identifier: Apache-2.0
// The interface through which memory/ has a block turned from stored bytes into usable weights.
#pragma once

#include <cstdint>
#include <memory>

#include "memory/manifest.h"
#include "memory/weight_source.h"

namespace reel::memory {

class BlockPreparer {
 public:
  virtual ~BlockPreparer() = default;

  // Host memory that prepare() will take for this block.
  virtual uint64_t prepared_bytes(const WeightBlock& block) const = 0;
  // Reads and converts all items. Looks at the stop flag between items. Throws as BlockSource.
  virtual std::unique_ptr<WeightSource> prepare(const WeightBlock& block) = 0;
};

}  // namespace reel::memory
