// SPDX-License-Identifier: Apache-2.0
// What weights take on a GPU once they are prepared, and what has to be moved for that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "memory/manifest.h"
#include "memory/work.h"

namespace reel::memory {

struct DevicePrecision {
  DType compute = DType::kBF16;  // of convolutions and of matrices that are never 8-bit
  DType matrices = DType::kI8;   // of the blocks: kI8, kF8E4M3, or as compute
};

// Where an item's numbers come from.
struct StoredItem {
  DType dtype = DType::kF32;
  uint64_t bytes = 0;
  uint64_t scale_bytes = 0;
  // Of each tensor of a LoRA that is added to it.
  std::vector<uint64_t> delta_bytes;
  // And of each LoRA; 0: as many numbers as the item has, added without a product.
  std::vector<int64_t> delta_ranks;
};

// A block as the planner sees it.
struct BlockLoad {
  std::string name;
  uint64_t prepared_bytes = 0;
  uint64_t stored_bytes = 0;  // read and moved at every arrival, scales included
  // Beside its place: the scales of all items, and the largest item that arrives elsewhere.
  uint64_t staging_bytes = 0;
  uint64_t scale_staging_bytes = 0, item_staging_bytes = 0;
  Work change_work;  // of LoRAs, at every arrival

  void add(const WeightItem& item, const StoredItem& stored, const DevicePrecision& precision);
};

struct NetworkLoad {
  std::string precision;  // of its files, for messages: "fp8", "bf16"
  BlockLoad fixed, setup;
  std::vector<BlockLoad> blocks;

  uint64_t largest_block_bytes() const;
  uint64_t staging_bytes() const;  // of one area for all
  uint64_t stored_bytes() const;
};

// LoRAs are added in f32, to so many rows at once: some MiB that nothing else uses meanwhile.
int64_t changed_rows(int64_t rows, int64_t width);

// The numeric format an item is held in.
DType device_dtype(const WeightItem& item, const DevicePrecision& precision);
// With the row scales of 8-bit matrices, and every part on a boundary of its own.
uint64_t device_bytes(const WeightItem& item, const DevicePrecision& precision);

}  // namespace reel::memory
