// SPDX-License-Identifier: Apache-2.0
// Rotary positions over frames, rows and columns.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace reel::nn {

// The tokens of a clip: one per 1 x 2 x 2 patch of the latent.
struct TokenGrid {
  int64_t frames = 0, rows = 0, cols = 0;
  int64_t tokens() const { return frames * rows * cols; }
  bool operator==(const TokenGrid&) const = default;
};

// Fills the rotation of every token: out [tokens, head_dim / 2, 2] f32, cos and sin.
//
// The pairs of a head are split over the axes: with head_dim 128, 22 follow the frame, 21 the row
// and 21 the column; pair j of an axis with d dimensions turns by position * 10000^(-2j/d).
// Angles are in double.
//
// Source: Wan 2.1, wan/modules/model.py, rope_params and rope_apply.
void fill_rope3d(const TokenGrid& grid, int64_t head_dim, const TensorView& out);

}  // namespace reel::nn
