// SPDX-License-Identifier: Apache-2.0
#include "memory/device_weights.h"

#include <algorithm>

#include "core/packed_weights.h"
#include "memory/arena_layout.h"

namespace reel::memory {
namespace {

int64_t rows_of(const WeightItem& item) { return item.shape.axes() == 0 ? 1 : item.shape[0]; }

// 8-bit numbers are prepared where they arrive.
bool is_in_place(const StoredItem& stored, DType prepared) {
  return has_row_scales(prepared) && !is_block_format(stored.dtype) &&
         block_bytes(stored.dtype) == 1;
}

// LoRAs' tensors, and the rows they are added to where those do not end as f32.
uint64_t staging_of_deltas(const WeightItem& item, const StoredItem& stored, DType dtype) {
  if (stored.delta_bytes.empty()) return 0;
  const int64_t rows = std::max<int64_t>(1, rows_of(item) / item.parts);
  const int64_t width = item.shape.elements() / std::max<int64_t>(1, rows_of(item));
  uint64_t bytes = 0;
  if (dtype != DType::kF32) {
    bytes += aligned(
        static_cast<uint64_t>(storage_bytes(DType::kF32, changed_rows(rows, width) * width)));
  }
  for (const uint64_t delta : stored.delta_bytes) bytes += aligned(delta);
  return bytes;
}

// What arrives somewhere else than in its place, its scales aside. Convolutions are packed from
// f32.
uint64_t staging_beside(const WeightItem& item, const StoredItem& stored,
                        const DevicePrecision& precision) {
  const bool is_conv = item.kind == WeightKind::kConv;
  const DType dtype = is_conv ? DType::kF32 : device_dtype(item, precision);
  const bool as_stored = stored.dtype == dtype && !has_row_scales(dtype) && stored.scale_bytes == 0;
  const uint64_t source = as_stored || is_in_place(stored, dtype) ? 0 : aligned(stored.bytes);
  const auto wide = static_cast<uint64_t>(storage_bytes(DType::kF32, item.shape.elements()));
  return source + (is_conv ? aligned(wide) : 0) + staging_of_deltas(item, stored, dtype);
}

// A product with the factors, read and written together with the rows it is added to.
Work change_work_of(const WeightItem& item, const StoredItem& stored) {
  const auto numbers = static_cast<double>(item.shape.elements());
  Work work;
  for (const int64_t rank : stored.delta_ranks) {
    work.f32_ops += 2 * numbers * static_cast<double>(rank);
    work.traffic_bytes += 2 * sizeof(float) * numbers;
  }
  return work;
}

}  // namespace

int64_t changed_rows(int64_t rows, int64_t width) {
  constexpr int64_t kBytes = int64_t{16} << 20;
  constexpr int64_t kStep = 64;  // whole tiles of kernels
  const int64_t fitting = kBytes / (std::max<int64_t>(1, width) * int64_t{sizeof(float)});
  return std::min(rows, std::max(kStep, fitting / kStep * kStep));
}

DType device_dtype(const WeightItem& item, const DevicePrecision& precision) {
  switch (item.kind) {
    case WeightKind::kTensor:
    case WeightKind::kTable:
    case WeightKind::kMatrixF32: return DType::kF32;
    case WeightKind::kConv:
    case WeightKind::kMatrixWide: return precision.compute;
    case WeightKind::kMatrix: break;
  }
  const int64_t in = item.shape.elements() / std::max<int64_t>(1, rows_of(item));
  if (!has_row_scales(precision.matrices)) return precision.matrices;
  return in % scaled_row_step(precision.matrices) == 0 ? precision.matrices : precision.compute;
}

uint64_t device_bytes(const WeightItem& item, const DevicePrecision& precision) {
  if (item.kind == WeightKind::kTable) return 0;
  const DType dtype = device_dtype(item, precision);
  const auto parts = static_cast<uint64_t>(item.parts);
  const auto rows = static_cast<uint64_t>(rows_of(item)) / parts;
  const auto numbers = static_cast<uint64_t>(storage_bytes(dtype, item.shape.elements())) / parts;
  const uint64_t scales = has_row_scales(dtype) ? aligned(rows * sizeof(float)) : 0;
  return parts * (aligned(numbers) + scales);
}

void BlockLoad::add(const WeightItem& item, const StoredItem& stored,
                    const DevicePrecision& precision) {
  if (item.kind == WeightKind::kTable) return;  // read by rows
  prepared_bytes += device_bytes(item, precision);
  stored_bytes += stored.bytes + stored.scale_bytes;
  for (const uint64_t delta : stored.delta_bytes) stored_bytes += delta;
  scale_staging_bytes += aligned(stored.scale_bytes);
  item_staging_bytes = std::max(item_staging_bytes, staging_beside(item, stored, precision));
  staging_bytes = scale_staging_bytes + item_staging_bytes;
  change_work += change_work_of(item, stored);
}

uint64_t NetworkLoad::largest_block_bytes() const {
  uint64_t most = 0;
  for (const BlockLoad& block : blocks) most = std::max(most, block.prepared_bytes);
  return most;
}

uint64_t NetworkLoad::staging_bytes() const {
  uint64_t most = std::max(fixed.staging_bytes, setup.staging_bytes);
  for (const BlockLoad& block : blocks) most = std::max(most, block.staging_bytes);
  return most;
}

uint64_t NetworkLoad::stored_bytes() const {
  uint64_t sum = fixed.stored_bytes + setup.stored_bytes;
  for (const BlockLoad& block : blocks) sum += block.stored_bytes;
  return sum;
}

}  // namespace reel::memory
