// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "ops/context.h"

namespace reel::wan_dit {

// Calls part(first row, rows) for ctx.row_chunk rows at a time.
template <typename Part>
void for_each_chunk(const ops::Context& ctx, int64_t rows, Part part) {
  const int64_t chunk = ctx.row_chunk > 0 ? ctx.row_chunk : rows;
  for (int64_t row = 0; row < rows; row += chunk) part(row, std::min(chunk, rows - row));
}

}  // namespace reel::wan_dit
