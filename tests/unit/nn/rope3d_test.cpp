// SPDX-License-Identifier: Apache-2.0
#include "nn/rope3d.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/buffer.h"

namespace reel::nn {
namespace {

// The angle of pair `pair` of token `token`, from its cosine and sine.
double angle(const Tensor& table, int64_t token, int64_t pair) {
  const float* at = table.view().as<float>() + (token * 64 + pair) * 2;
  return std::atan2(at[1], at[0]);
}

TEST(Rope3d, TurnsTheFirstPairOfEachAxisByThePosition) {
  const TokenGrid grid{.frames = 2, .rows = 3, .cols = 2};
  const Tensor table(DType::kF32, {12, 64, 2});
  fill_rope3d(grid, 128, table);
  // Token (frame 1, row 2, col 1) is the last one.
  EXPECT_NEAR(angle(table, 11, 0), 1, 1e-6);
  EXPECT_NEAR(angle(table, 11, 22), 2, 1e-6);
  EXPECT_NEAR(angle(table, 11, 43), 1, 1e-6);
  EXPECT_NEAR(angle(table, 0, 17), 0, 1e-9);
}

TEST(Rope3d, HasTheReferencesFrequencies) {
  const Tensor table(DType::kF32, {2 * 2 * 2, 64, 2});
  fill_rope3d({.frames = 2, .rows = 2, .cols = 2}, 128, table);
  // Token 7 is at position 1 of every axis; 44 dimensions for frames, 42 for rows and columns.
  EXPECT_NEAR(angle(table, 7, 1), 0.657933225, 1e-7);
  EXPECT_NEAR(angle(table, 7, 2), 0.432876128, 1e-7);
  EXPECT_NEAR(angle(table, 7, 21), 0.000151991108, 1e-9);
  EXPECT_NEAR(angle(table, 7, 23), 0.644946677, 1e-7);
  EXPECT_NEAR(angle(table, 7, 44), 0.644946677, 1e-7);
  EXPECT_NEAR(angle(table, 7, 63), 0.000155051578, 1e-9);
}

}  // namespace
}  // namespace reel::nn
