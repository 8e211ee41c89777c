// SPDX-License-Identifier: Apache-2.0
#include "memory/device_weights.h"

#include <gtest/gtest.h>

namespace reel::memory {
namespace {

WeightItem item(WeightKind kind, const Shape& shape, int parts = 1) {
  return {.name = "w", .kind = kind, .parts = parts, .shape = shape};
}

TEST(DeviceBytes, OfAnEightBitMatrixAreItsNumbersAndAScalePerRow) {
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrix, {100, 256}), {}), 100 * 256 + 448u);  // 400 up
}

TEST(DeviceBytes, OfAnFp8MatrixAreThoseOfInt8) {
  const DevicePrecision fp8{.compute = DType::kBF16, .matrices = DType::kF8E4M3};
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrix, {100, 256}), fp8), 100 * 256 + 448u);
  // Rows of 48 numbers need no rotation, rows of 40 are too short for a tensor core.
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrix, {64, 48}), fp8), 64 * 48 + 256u);
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrix, {64, 40}), fp8), 64 * 40 * 2u);
}

TEST(DeviceBytes, OfWhatIsNeverEightBitFollowTheComputePrecision) {
  const DevicePrecision f16{.compute = DType::kF16, .matrices = DType::kF16};
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrixWide, {64, 64}), {}), 64 * 64 * 2u);
  EXPECT_EQ(device_bytes(item(WeightKind::kConv, {96, 96, 3, 3, 3}), f16), 96 * 96 * 27 * 2u);
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrixF32, {64, 64}), {}), 64 * 64 * 4u);
  EXPECT_EQ(device_bytes(item(WeightKind::kTensor, {5}), {}), 64u);
  EXPECT_EQ(device_bytes(item(WeightKind::kTable, {1000, 1000}), {}), 0u);
  // Rows of 96 numbers cannot be rotated.
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrix, {64, 96}), {}), 64 * 96 * 2u);
}

TEST(DeviceBytes, PutEveryPartOnABoundaryOfItsOwn) {
  // Three parts of 5 x 3 f32 numbers, 60 bytes each.
  EXPECT_EQ(device_bytes(item(WeightKind::kMatrixF32, {15, 3}, 3), {}), 3 * 64u);
}

TEST(BlockLoad, NeedsRoomBesideItsPlaceForWhatCannotBePreparedInIt) {
  const WeightItem matrix = item(WeightKind::kMatrix, {1000, 128});
  BlockLoad fp8, bf16, q4;
  fp8.add(matrix, {.dtype = DType::kF8E4M3, .bytes = 128'000, .scale_bytes = 4000}, {});
  bf16.add(matrix, {.dtype = DType::kBF16, .bytes = 256'000}, {});
  q4.add(matrix, {.dtype = DType::kQ4_K, .bytes = 72'000}, {});

  EXPECT_EQ(fp8.staging_bytes, 4032u);  // its stored scales alone
  EXPECT_EQ(bf16.staging_bytes, 256'000u);
  EXPECT_EQ(q4.staging_bytes, 72'000u);
  EXPECT_EQ(fp8.stored_bytes, 132'000u);
  EXPECT_EQ(fp8.prepared_bytes, bf16.prepared_bytes);
}

TEST(BlockLoad, NeedsNoRoomForWhatIsStoredAsItIsUsed) {
  BlockLoad load;
  load.add(item(WeightKind::kMatrixF32, {64, 64}), {.dtype = DType::kF32, .bytes = 16'384}, {});
  EXPECT_EQ(load.staging_bytes, 0u);
  // A convolution is packed from f32.
  load.add(item(WeightKind::kConv, {8, 8, 3, 3, 3}), {.dtype = DType::kBF16, .bytes = 3456}, {});
  EXPECT_EQ(load.staging_bytes, 3456u + 6912u);
}

TEST(BlockLoad, CountsTheProductsOfLoras) {
  const WeightItem matrix = item(WeightKind::kMatrix, {1000, 128});
  BlockLoad load;
  load.add(matrix,
           {.dtype = DType::kF8E4M3, .bytes = 128'000, .delta_bytes = {9000}, .delta_ranks = {4}},
           {});
  load.add(matrix,
           {.dtype = DType::kBF16,
            .bytes = 256'000,
            .delta_bytes = {18'000, 256'000},
            .delta_ranks = {8, 0}},
           {});
  load.add(matrix, {.dtype = DType::kBF16, .bytes = 256'000}, {});

  EXPECT_EQ(load.change_work.f32_ops, 2 * 128'000.0 * (4 + 8));
  EXPECT_EQ(load.change_work.traffic_bytes, 3 * 8 * 128'000.0);  // the full delta has no product
  EXPECT_EQ(load.change_work.int8_ops + load.change_work.wide_ops, 0);
}

TEST(BlockLoad, LeavesTablesOnDisk) {
  BlockLoad load;
  load.add(item(WeightKind::kTable, {1000, 64}), {.dtype = DType::kBF16, .bytes = 128'000}, {});
  EXPECT_EQ(load.stored_bytes + load.prepared_bytes + load.staging_bytes, 0u);
}

}  // namespace
}  // namespace reel::memory
