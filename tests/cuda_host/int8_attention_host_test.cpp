// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/cuda/processors.h"
#include "cuda_host/machine.h"
#include "parity/cuda_heads_cases.h"
#include "parity/cuda_int8_attention_cases.h"

namespace reel::cuda {

int processor_count() { return 4; }
int64_t blocks_that_share(size_t bytes) { return int64_t{100 << 10} / static_cast<int64_t>(bytes); }

int code_architecture(const void*) { return 89; }

namespace {

using cuda_host::input_seed;

constexpr DType kDtypes[] = {DType::kF32, DType::kF16, DType::kBF16};

TEST(CudaInt8Heads, QuantisesQueriesLikeTheReference) {
  for (const DType dtype : kDtypes) {
    for (const int64_t rows : {1, 63, 65}) {
      expect_quantised_queries_like_reference(host_memory(), {rows, 1, dtype}, input_seed());
    }
    expect_quantised_queries_like_reference(host_memory(), {70, 6, dtype, false}, input_seed());
  }
}

TEST(CudaInt8Heads, QuantisesKeysLikeTheReference) {
  for (const DType dtype : kDtypes) {
    for (const int64_t rows : {1, 17, 63, 65}) {
      expect_quantised_keys_like_reference(host_memory(), {rows, 1, dtype}, input_seed());
    }
    expect_quantised_keys_like_reference(host_memory(), {70, 6, dtype, false}, input_seed());
  }
}

// As on a rank that has some of the heads; 8 sums a row are read in another way than 5.
TEST(CudaInt8Heads, NormalisesOverHeadsThatAreElsewhere) {
  for (const int64_t others : {2, 5}) {
    const HeadsCase c{.rows = 70, .heads = 3, .dtype = DType::kBF16, .others = others};
    expect_quantised_queries_like_reference(host_memory(), c, input_seed());
    expect_quantised_keys_like_reference(host_memory(), c, input_seed());
  }
}

TEST(CudaInt8Heads, TakesTheMeanOfManyRows) {
  // More samples than a block's 80, and more columns than its 512.
  constexpr HeadsCase kMany{16 * 130 + 3, 1, DType::kBF16};
  constexpr HeadsCase kWide{16 * 81, 5, DType::kBF16};
  for (const HeadsCase& which : {kMany, kWide}) {
    expect_quantised_keys_like_reference(host_memory(), which, input_seed());
    expect_values_like_reference(host_memory(), which, input_seed());
    expect_e4m3_values_like_reference(host_memory(), which, input_seed());
  }
}

// Two tiles for eight blocks at a time: blocks have two heads and the last has one.
TEST(CudaInt8Heads, DividesHeadsUnevenly) {
  for (const int64_t heads : {5, 7}) {
    expect_quantised_queries_like_reference(host_memory(), {63, heads, DType::kBF16}, input_seed());
    expect_quantised_keys_like_reference(host_memory(), {63, heads, DType::kBF16}, input_seed());
  }
}

TEST(CudaInt8Heads, PreparesValuesLikeTheReference) {
  for (const DType dtype : kDtypes) {
    for (const int64_t rows : {1, 64, 129}) {
      expect_values_like_reference(host_memory(), {rows, 2, dtype}, input_seed());
    }
  }
}

TEST(CudaInt8Heads, QuantisesValuesLikeTheReference) {
  for (const DType dtype : kDtypes) {
    // Eight parts at most: of a round of eight rows each, of two, and of 17, of which the last has
    // one row more than ten.
    for (const int64_t rows : {1, 17, 64, 65, 129, 300, 1033}) {
      expect_e4m3_values_like_reference(host_memory(), {rows, 2, dtype}, input_seed());
    }
  }
}

TEST(CudaInt8Attention, AgreesAtEveryTileEdge) {
  for (const int64_t keys : {1, 63, 64, 65, 127, 129}) {
    expect_int8_attention_like_reference(host_memory(), {5, keys, 1, DType::kF32}, input_seed());
  }
}

TEST(CudaInt8Attention, WritesEveryRowOfEveryHeadAndNoMore) {
  for (const DType dtype : kDtypes) {
    expect_int8_attention_like_reference(host_memory(), {129, 33, 2, dtype}, input_seed());
  }
}

// All regimes at the networks' lengths: tests/parity.
TEST(CudaInt8Attention, IsNearExactAttention) {
  for (const test::LogitRegime& regime : {test::kLogitRegimes[1], test::kLogitRegimes[3]}) {
    expect_near_exact_attention(host_memory(), regime, 24, 2048, 7);
  }
}

TEST(CudaInt8Attention, FollowsMaximaThatGrow) {
  // Logits of more than a hundred, so that maxima move by more than any slack.
  expect_int8_attention_like_reference(host_memory(), {32, 257, 1, DType::kF32, 40.0f},
                                       input_seed());
  // All but flat: no maximum moves after the first tile.
  expect_int8_attention_like_reference(host_memory(), {32, 257, 1, DType::kF32, 1e-6f},
                                       input_seed());
}

// Logits in the thousands, whose offset has no fraction left in f32 unless it is made to be exact.
TEST(CudaInt8Attention, EqualKeysWeighTheSameUnderAnyScale) {
  for (const DType values : {DType::kF16, DType::kF8E4M3}) {
    expect_int8_attention_like_reference(host_memory(),
                                         {.queries = 32,
                                          .keys = 129,
                                          .heads = 1,
                                          .dtype = DType::kF32,
                                          .scale = 40.0f,
                                          .tied = true,
                                          .values = values},
                                         input_seed());
  }
}

constexpr DType kE4M3 = DType::kF8E4M3;

TEST(CudaE4M3Attention, IsChosenByItsValuesAndNamed) {
  const uint8_t values = 0;
  const ops::Int8AttentionArgs f16{};
  ops::Int8AttentionArgs e4m3{};
  e4m3.v_e4m3 = &values;
  EXPECT_STREQ(which_int8_attention(e4m3), "mma.sync with e4m3 values");
  EXPECT_STREQ(which_int8_attention(f16), "mma.sync");
  EXPECT_TRUE(takes_e4m3_values());
}

TEST(CudaE4M3Attention, AgreesAtEveryTileEdge) {
  for (const int64_t keys : {1, 31, 32, 33, 63, 64, 65, 127, 129}) {
    expect_int8_attention_like_reference(
        host_memory(),
        {.queries = 5, .keys = keys, .heads = 1, .dtype = DType::kF32, .values = kE4M3},
        input_seed());
  }
}

TEST(CudaE4M3Attention, WritesEveryRowOfEveryHeadAndNoMore) {
  for (const DType dtype : kDtypes) {
    expect_int8_attention_like_reference(
        host_memory(), {.queries = 129, .keys = 33, .heads = 2, .dtype = dtype, .values = kE4M3},
        input_seed());
  }
}

TEST(CudaE4M3Attention, IsNearExactAttention) {
  // Flat softmaxes need more keys to average over.
  for (const test::LogitRegime& regime : {test::kLogitRegimes[2], test::kLogitRegimes[3]}) {
    expect_near_exact_attention(host_memory(), regime, 24, 2048, 7, kE4M3);
  }
}

TEST(CudaE4M3Attention, FollowsMaximaThatGrow) {
  for (const float scale : {40.0f, 1e-6f}) {
    expect_int8_attention_like_reference(host_memory(),
                                         {.queries = 32,
                                          .keys = 257,
                                          .heads = 1,
                                          .dtype = DType::kF32,
                                          .scale = scale,
                                          .rising = true,
                                          .values = kE4M3},
                                         input_seed());
  }
}

// The first 32 keys of a run are then added on their own. Factors of logits are below
// kMostRoundedFactor, on both sides of it, and above. 33 and 97: one key beside 31 that do not
// exist.
TEST(CudaE4M3Attention, FollowsMaximaThatGrowWithinARun) {
  for (const float scale : {0.25f, 0.6f, 40.0f}) {
    for (const int64_t keys : {33, 64, 97, 193}) {
      expect_int8_attention_like_reference(host_memory(),
                                           {.queries = 32,
                                            .keys = keys,
                                            .heads = 1,
                                            .dtype = DType::kF32,
                                            .scale = scale,
                                            .rising = true,
                                            .late = true,
                                            .values = kE4M3},
                                           input_seed());
    }
  }
}

TEST(CudaE4M3Attention, RowsHaveTheSameBytesInAnyChunk) {
  const Int8Chunks chunks(host_memory(), 140, 100, int8_attention, input_seed(), kE4M3);
  const Tensor whole = chunks.rows(0, 140);
  for (const auto& [begin, rows] : {std::pair{0, 30}, {63, 1}, {33, 107}}) {
    const Tensor part = chunks.rows(begin, rows);
    EXPECT_EQ(std::memcmp(part.bytes().data(), whole.bytes().data() + begin * 128 * sizeof(float),
                          part.bytes().size()),
              0)
        << rows << " rows from " << begin;
  }
}

// The largest that 64 weights and values can be: a step further, and f16 sums would be infinite.
TEST(CudaE4M3Attention, SumsOfTheLargestWeightsAndValuesAreFinite) {
  expect_average_of_equal_keys(host_memory(), 64, 1e-3f);
}

}  // namespace
}  // namespace reel::cuda
