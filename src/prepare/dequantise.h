// SPDX-License-Identifier: Apache-2.0
// Stored numbers to f32: every dtype of core/dtype.h, scales applied.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/stop.h"
#include "base/tree_digest.h"
#include "checkpoint/checkpoint.h"

namespace reel::prepare {

// A tensor's bytes in row-major order, without gaps.
uint64_t dense_bytes(const formats::TensorEntry& entry);

// Of its numbers and its scales.
uint64_t stored_bytes(const checkpoint::StoredTensor& tensor);

// Rows [first_row, first_row + rows) of a tensor seen as [first axis, all others], as f32.
//
//   out     rows * row width numbers
//   digest  of the tensor's bytes and its scales' behind them; fed with those read here. Or null
//   stop    looked at while it reads and widens, or null
//
// Reads only those rows. Throws kBadFile when the file has shrunk or the format does not divide
// into rows, kIo on a read error.
void read_rows(const checkpoint::StoredTensor& tensor, int64_t first_row, int64_t rows,
               std::span<float> out, TreeDigest* digest = nullptr, const StopFlag* stop = nullptr);

// What a stored number of rows [first_row, first_row + rows) is multiplied with: one number per
// row, all 1 where the tensor has no scale. `digest` as above.
std::vector<float> read_row_scales(const checkpoint::StoredTensor& tensor, int64_t first_row,
                                   int64_t rows, TreeDigest* digest = nullptr);

// Widens `elements` stored numbers of one dtype; block formats take whole blocks.
void widen(DType dtype, const std::byte* from, int64_t elements, float* out);

}  // namespace reel::prepare
