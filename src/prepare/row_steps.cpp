// SPDX-License-Identifier: Apache-2.0
#include "prepare/row_steps.h"

#include <algorithm>

#include "core/int8_layout.h"
#include "core/packed_weights.h"
#include "memory/device_weights.h"

namespace reel::prepare {
namespace {

// A step in one slot.
struct Launcher {
  const RowsStep& step;
  const ops::Kernels& kernels;
  std::byte* slot;
  std::byte* staging;
  Stream stream;

  // As stored, some rows of it.
  ops::PrepareRowsArgs stored_rows(int64_t first, int64_t rows) const {
    const bool per_row = step.scale_count > 1;
    return {
        .from = step.from.in(slot, staging) + storage_bytes(step.from_dtype, first * step.width),
        .from_dtype = step.from_dtype,
        .scale = step.scale_count == 0 ? nullptr
                                       : step.scale.in(slot, staging) +
                                             (per_row ? storage_bytes(step.scale_dtype, first) : 0),
        .scale_dtype = step.scale_dtype,
        .scale_count = per_row ? rows : step.scale_count,
        .rows = rows,
        .width = step.width,
        .to_dtype = DType::kF32,
        .to = nullptr};
  }

  void to_floats(int64_t first, int64_t rows, float* to) const {
    ops::PrepareRowsArgs args = stored_rows(first, rows);
    args.to = to;
    if (args.from == to && step.from_dtype == DType::kF32 && step.scale_count == 0) return;
    kernels.prepare_rows(args, stream);
  }

  void add_deltas(int64_t first, int64_t rows, float* x) const {
    for (const DeltaStep& delta : step.deltas) {
      const int64_t up_width = delta.rank == 0 ? step.width : delta.rank;
      kernels.add_delta(
          {.x = x,
           .up = delta.up.in(slot, staging) + storage_bytes(delta.up_dtype, first * up_width),
           .up_dtype = delta.up_dtype,
           .down = delta.rank == 0 ? nullptr : delta.down.in(slot, staging),
           .down_dtype = delta.down_dtype,
           .rank = delta.rank,
           .rows = rows,
           .width = step.width,
           .factor = delta.factor},
          stream);
    }
  }

  void from_floats(int64_t first, int64_t rows, const float* from) const {
    std::byte* const to = step.to.in(slot, staging);
    float* const scales =
        has_row_scales(step.to_dtype) ? row_scales(to, step.rows * step.width) + first : nullptr;
    kernels.prepare_rows({.from = from,
                          .from_dtype = DType::kF32,
                          .scale = nullptr,
                          .scale_dtype = DType::kF32,
                          .scale_count = 0,
                          .rows = rows,
                          .width = step.width,
                          .to_dtype = step.to_dtype,
                          .to = to + storage_bytes(step.to_dtype, first * step.width),
                          .to_scale = scales},
                         stream);
  }

  void prepare() const {
    ops::PrepareRowsArgs args = stored_rows(0, step.rows);
    args.scale_count = step.scale_count;
    args.to_dtype = step.to_dtype;
    args.to = step.to.in(slot, staging);
    kernels.prepare_rows(args, stream);
  }
};

}  // namespace

void launch_rows(const RowsStep& step, const ops::Kernels& kernels, std::byte* slot,
                 std::byte* staging, Stream stream) {
  const Launcher launcher{step, kernels, slot, staging, stream};
  if (step.deltas.empty()) return launcher.prepare();
  if (step.to_dtype == DType::kF32) {
    auto* const x = reinterpret_cast<float*>(step.to.in(slot, staging));
    launcher.to_floats(0, step.rows, x);
    return launcher.add_deltas(0, step.rows, x);
  }
  auto* const x = reinterpret_cast<float*>(step.changed.in(slot, staging));
  const int64_t at_once = memory::changed_rows(step.rows, step.width);
  for (int64_t first = 0; first < step.rows; first += at_once) {
    const int64_t rows = std::min(at_once, step.rows - first);
    launcher.to_floats(first, rows, x);
    launcher.add_deltas(first, rows, x);
    launcher.from_floats(first, rows, x);
  }
}

}  // namespace reel::prepare
