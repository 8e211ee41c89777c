// SPDX-License-Identifier: Apache-2.0
// Convolutions over channels-last frames.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {

// One frame of an activation: [rows, cols, channels].
using Frame = TensorView;

// Rows [begin, end) of a frame.
struct Rows {
  int64_t begin = 0, end = 0;

  int64_t count() const { return end - begin; }
  friend bool operator==(const Rows&, const Rows&) = default;
};

enum class ConvEpilogue : uint8_t { kStore, kRelu };

// out[f] = conv(frames[f .. f + taps - 1]) + bias + residual[f], stride 1, zero padding in rows and
// columns so that they keep their number.
//
//   frames    taps - 1 + out.size() frames [rows, cols, in_channels]; one with data == nullptr
//             is zeros
//   out       frames [rows, cols, out_channels]; as frames, or f32
//   residual  empty, or as many frames as out, of their dtype; may be out
//   epilogue  kRelu: out = max(0, that sum)
//   rows      of out that are computed, all where it is left out; the others stay, and only the
//             rows of frames beside these are read
//
// Numerics: f32 sums, one rounding at the store; a row has the same bytes whichever rows are
// computed with it on a GPU and by the reference. Looks at the stop flag between strips of rows.
void conv(Context& ctx, std::span<const Frame> frames, const ConvView& weight,
          const TensorView& bias, std::span<const Frame> out, std::span<const Frame> residual = {},
          std::optional<Rows> rows = {}, ConvEpilogue epilogue = ConvEpilogue::kStore);

// Repeats every pixel twice in rows and columns: [rows, cols, c] -> [2 rows, 2 cols, c].
void upsample2x(Context& ctx, const Frame& x, const Frame& out);

}  // namespace reel::ops
