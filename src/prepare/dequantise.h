// SPDX-License-Identifier: Apache-2.0
// Stored numbers to f32: every dtype of core/dtype.h, scales applied.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"
#include "base/stop.h"
#include "checkpoint/checkpoint.h"

namespace reel::prepare {

// Rows [first_row, first_row + rows) of a tensor seen as [first axis, all others], as f32.
//
//   out     rows * row width numbers
//   digest  fed with the stored bytes (scales too), or null
//   stop    looked at while it reads and widens, or null
//
// Reads only those rows. Throws kBadFile when the file has shrunk or the format does not divide
// into rows, kIo on a read error.
void read_rows(const checkpoint::StoredTensor& tensor, int64_t first_row, int64_t rows,
               std::span<float> out, Digest* digest = nullptr, const StopFlag* stop = nullptr);

// What a stored number of rows [first_row, first_row + rows) is multiplied with: one number per
// row, all 1 where the tensor has no scale. `digest` as above.
std::vector<float> read_row_scales(const checkpoint::StoredTensor& tensor, int64_t first_row,
                                   int64_t rows, Digest* digest = nullptr);

// Widens `elements` stored numbers of one dtype; block formats take whole blocks.
void widen(DType dtype, const std::byte* from, int64_t elements, float* out);

}  // namespace reel::prepare
