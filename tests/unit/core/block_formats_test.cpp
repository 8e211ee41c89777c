// SPDX-License-Identifier: Apache-2.0
#include "core/block_formats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/file.h"
#include "support/expect_error.h"
#include "support/places.h"

namespace reel {
namespace {

constexpr DType kBlockFormats[] = {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                                   DType::kQ5_1, DType::kQ2_K, DType::kQ3_K, DType::kQ4_K,
                                   DType::kQ5_K, DType::kQ6_K};

TEST(BlockFormats, AgreeWithGgufPyToTheBit) {
  constexpr int64_t kBlocks = 2;
  const std::string golden = read_text_file(test::data_folder() / "core/ggml_blocks.bin", 100'000);
  size_t at = 0;
  for (const DType dtype : kBlockFormats) {
    const int64_t elements = kBlocks * block_elements(dtype);
    std::vector<float> expected(static_cast<size_t>(elements));
    std::vector<float> values(static_cast<size_t>(elements));
    const char* blocks = golden.data() + at;
    at += static_cast<size_t>(kBlocks * block_bytes(dtype));
    std::memcpy(expected.data(), golden.data() + at, expected.size() * sizeof(float));
    at += expected.size() * sizeof(float);

    dequantise_blocks(dtype, reinterpret_cast<const std::byte*>(blocks), elements, values.data());

    EXPECT_EQ(values, expected) << dtype;
  }
  EXPECT_EQ(at, golden.size());
}

// The worst error of a round trip, in parts of the largest magnitude of a block.
float round_trip_error(DType dtype, const std::vector<float>& values) {
  const auto elements = static_cast<int64_t>(values.size());
  std::vector<std::byte> blocks(static_cast<size_t>(storage_bytes(dtype, elements)));
  std::vector<float> back(values.size());
  quantise_blocks(dtype, values.data(), elements, blocks.data());
  dequantise_blocks(dtype, blocks.data(), elements, back.data());
  float worst = 0;
  float largest = 0;
  for (size_t index = 0; index < values.size(); ++index) {
    worst = std::max(worst, std::fabs(back[index] - values[index]));
    largest = std::max(largest, std::fabs(values[index]));
  }
  return largest == 0 ? worst : worst / largest;
}

// Half a step of each format over the range [-1, 1], and the rounding of its scales: a symmetric
// format of n bits steps by 1 / 2^(n-1) and clips by as much at one end, one with a minimum
// steps by 2 / (2^n - 1).
float largest_error(DType dtype) {
  switch (dtype) {
    case DType::kQ8_0: return 0.5f / 127 + 0.001f;
    case DType::kQ4_0: return 1.0f / 8 + 0.001f;
    case DType::kQ4_1: return 1.0f / 15 + 0.002f;
    case DType::kQ5_0: return 1.0f / 16 + 0.001f;
    case DType::kQ5_1: return 1.0f / 31 + 0.002f;
    case DType::kQ2_K: return 1.0f / 3 + 0.15f;
    case DType::kQ3_K: return 1.0f / 4 + 0.05f;
    case DType::kQ4_K: return 1.0f / 15 + 0.04f;
    case DType::kQ5_K: return 1.0f / 31 + 0.04f;
    case DType::kQ6_K: return 1.0f / 32 + 0.02f;
    default: return 0;
  }
}

TEST(BlockFormats, KeepValuesWithinTheErrorOfTheFormat) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(4096);
  for (float& value : values) value = uniform(random);

  for (const DType dtype : kBlockFormats) {
    EXPECT_LT(round_trip_error(dtype, values), largest_error(dtype)) << dtype;
  }
}

TEST(BlockFormats, KeepZeros) {
  for (const DType dtype : kBlockFormats) {
    EXPECT_EQ(round_trip_error(dtype, std::vector<float>(512, 0.0f)), 0) << dtype;
  }
}

TEST(BlockFormats, KeepAConstant) {
  for (const float constant : {-3.0f, 0.25f}) {
    for (const DType dtype : kBlockFormats) {
      EXPECT_LT(round_trip_error(dtype, std::vector<float>(256, constant)), 0.002f) << dtype;
    }
  }
}

TEST(BlockFormats, RefusePartsOfABlock) {
  float values[32];
  std::byte block[34]{};
  EXPECT_REEL_ERROR(dequantise_blocks(DType::kQ8_0, block, 31, values), kInvalidArgument,
                    "31 values are no whole number of q8_0 blocks of 32");
  EXPECT_REEL_ERROR(quantise_blocks(DType::kF32, values, 32, block), kInvalidArgument,
                    "f32 is no block format");
}

}  // namespace
}  // namespace reel
