// SPDX-License-Identifier: Apache-2.0
// What is launched on a device to make rows of weights from what has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels.h"

namespace reel::prepare {

// A place in the slot or in the staging area.
struct Place {
  uint64_t bytes = 0;
  bool in_staging = false;

  std::byte* in(std::byte* slot, std::byte* staging) const {
    return (in_staging ? staging : slot) + bytes;
  }
};

// One call of add_delta, for the rows of a RowsStep.
struct DeltaStep {
  Place up, down;
  DType up_dtype = DType::kF32, down_dtype = DType::kF32;
  int64_t rank = 0;  // 0: no `down`
  float factor = 1;
};

// One call of prepare_rows. With deltas rows become f32, are added to, and become what they are to
// be, some at a time; any row is made from that row alone, so how many does not show.
struct RowsStep {
  Place from, to, scale;
  DType from_dtype, to_dtype, scale_dtype;
  int64_t scale_count = 0;
  int64_t rows = 0, width = 0;
  std::vector<DeltaStep> deltas;
  Place changed;  // memory::changed_rows() of f32, where deltas do not end as that
};

// Launches a step. `to` is a whole packed matrix, or rows of f32.
void launch_rows(const RowsStep& step, const ops::Kernels& kernels, std::byte* slot,
                 std::byte* staging, Stream stream);

}  // namespace reel::prepare
