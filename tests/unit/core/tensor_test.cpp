// SPDX-License-Identifier: Apache-2.0
#include "core/tensor.h"

#include <gtest/gtest.h>

#include "core/buffer.h"
#include "support/expect_error.h"

namespace reel {
namespace {

TEST(TensorView, SliceKeepsTheInnerShape) {
  const Tensor tensor(DType::kBF16, {5, 3, 2});

  const TensorView rows = tensor.view().slice(2, 2);

  EXPECT_EQ(rows.shape, (Shape{2, 3, 2}));
  EXPECT_EQ(static_cast<std::byte*>(rows.data) - tensor.bytes().data(), 2 * 3 * 2 * 2);
}

TEST(Shape, CountsRowsAndWidth) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rows(), 6);
  EXPECT_EQ(shape.width(), 4);
  EXPECT_EQ(Shape{}.elements(), 1);
}

TEST(Shape, RefusesNegativeExtents) {
  EXPECT_REEL_ERROR((Shape{2, -1}), kInvalidArgument, "extent -1");
}

TEST(StorageBytes, CountsBlocks) {
  EXPECT_EQ(storage_bytes(DType::kQ4_K, 512), 288);
  EXPECT_EQ(storage_bytes(DType::kF32, 3), 12);
}

}  // namespace
}  // namespace reel
