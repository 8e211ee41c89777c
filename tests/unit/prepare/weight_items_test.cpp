// SPDX-License-Identifier: Apache-2.0
#include "prepare/weight_items.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "support/expect_error.h"

namespace reel::prepare {
namespace {

using memory::WeightItem;
using memory::WeightKind;

TEST(MatrixDtype, NarrowsOnlyWhatMayAndCanBe) {
  const Precision narrow{DType::kBF16, DType::kI8};
  const auto dtype = [&](WeightKind kind, int64_t width) {
    return matrix_dtype({.name = "w", .kind = kind, .shape = {4, width}}, narrow);
  };
  EXPECT_EQ(dtype(WeightKind::kMatrix, 256), DType::kI8);
  EXPECT_EQ(dtype(WeightKind::kMatrix, 192), DType::kBF16);  // no multiple of 128
  EXPECT_EQ(dtype(WeightKind::kMatrixWide, 256), DType::kBF16);
  EXPECT_EQ(dtype(WeightKind::kMatrixF32, 256), DType::kF32);
}

TEST(MatrixDtype, HoldsFp8WhereTensorCoresCanReadTheRows) {
  const auto dtype = [](int64_t width) {
    return matrix_dtype({.name = "w", .kind = WeightKind::kMatrix, .shape = {4, width}},
                        {DType::kF32, DType::kF8E4M3});
  };
  EXPECT_EQ(dtype(1008), DType::kF8E4M3);
  EXPECT_EQ(dtype(1000), DType::kF32);
}

TEST(ConvShape, HasATapForEachFrameOfItsInput) {
  const ConvShape pair =
      conv_shape({.name = "w", .kind = WeightKind::kConv, .shape = {64, 128, 3, 3}, .frames = 2});
  EXPECT_EQ(pair.in_channels, 64);
  EXPECT_EQ(pair.taps, 2);
  const ConvShape cube =
      conv_shape({.name = "w", .kind = WeightKind::kConv, .parts = 2, .shape = {64, 128, 3, 1, 1}});
  EXPECT_EQ(cube.in_channels, 128);
  EXPECT_EQ(cube.out_channels, 32);
  EXPECT_EQ(cube.taps, 3);
}

TEST(StoredTensor, NamesWhatIsMissing) {
  checkpoint::Component component;
  component.path = "/models/wan";
  EXPECT_REEL_ERROR(stored_tensor(component, {.name = "head.weight"}), kNotFound,
                    "/models/wan has no tensor \"head.weight\"");
}

TEST(TensorDigests, DependOnNamesAndBytesButNotOnTheOrderTheyCameIn) {
  TensorDigests a, b, other;
  a.set("x", "1");
  a.set("y", "2");
  b.set("y", "2");
  b.set("x", "1");
  other.set("x", "2");
  other.set("y", "1");

  EXPECT_EQ(a.hex(), b.hex());
  EXPECT_NE(a.hex(), other.hex());
}

}  // namespace
}  // namespace reel::prepare
