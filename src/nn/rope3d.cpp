// SPDX-License-Identifier: Apache-2.0
#include "nn/rope3d.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"

namespace reel::nn {
namespace {

constexpr double kBase = 10000.0;
constexpr int64_t kRowGrain = 16;  // rows of tokens for a thread at least

// [positions, pairs, 2]: cos and sin of every position along one axis of `axis_dim` dimensions.
std::vector<float> axis_table(int64_t positions, int64_t axis_dim) {
  const int64_t pairs = axis_dim / 2;
  std::vector<float> table;
  table.reserve(static_cast<size_t>(positions * axis_dim));
  for (int64_t position = 0; position < positions; ++position) {
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const double exponent = -2.0 * static_cast<double>(pair) / static_cast<double>(axis_dim);
      const double angle = static_cast<double>(position) * std::pow(kBase, exponent);
      table.push_back(static_cast<float>(std::cos(angle)));
      table.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return table;
}

}  // namespace

void fill_rope3d(const TokenGrid& grid, int64_t head_dim, const TensorView& out) {
  REEL_REQUIRE(head_dim % 2 == 0 && out.shape == (Shape{grid.tokens(), head_dim / 2, 2}), kInternal,
               str_cat("rope table is ", out.shape));
  const int64_t side_dim = 2 * (head_dim / 6);
  const int64_t frame_dim = head_dim - 2 * side_dim;
  const std::vector<float> frames = axis_table(grid.frames, frame_dim);
  const std::vector<float> rows = axis_table(grid.rows, side_dim);
  const std::vector<float> cols = axis_table(grid.cols, side_dim);
  parallel_for(grid.frames * grid.rows, kRowGrain, [&](int64_t begin, int64_t end) {
    float* to = out.as<float>() + begin * grid.cols * head_dim;
    for (int64_t at = begin; at < end; ++at) {
      for (int64_t col = 0; col < grid.cols; ++col) {
        to = std::copy_n(frames.data() + at / grid.rows * frame_dim, frame_dim, to);
        to = std::copy_n(rows.data() + at % grid.rows * side_dim, side_dim, to);
        to = std::copy_n(cols.data() + col * side_dim, side_dim, to);
      }
    }
  });
}

}  // namespace reel::nn
