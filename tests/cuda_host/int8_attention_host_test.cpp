// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cuda_host/machine.h"
#include "parity/cuda_attention_cases.h"
#include "parity/cuda_heads_cases.h"

namespace reel::cuda {
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

TEST(CudaInt8Heads, TakesTheMeanOfManyRows) {
  // More samples than the threads of a block take at once: 128.
  expect_quantised_keys_like_reference(host_memory(), {16 * 130 + 3, 1, DType::kBF16},
                                       input_seed());
}

TEST(CudaInt8Heads, PreparesValuesLikeTheReference) {
  for (const DType dtype : kDtypes) {
    for (const int64_t rows : {1, 64, 129}) {
      expect_values_like_reference(host_memory(), {rows, 2, dtype}, input_seed());
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

}  // namespace
}  // namespace reel::cuda
