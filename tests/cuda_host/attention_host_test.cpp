// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/cuda/processors.h"
#include "cuda_host/machine.h"
#include "parity/cuda_attention_cases.h"

namespace reel::cuda {

// So that a block takes several tiles.
int processor_count() { return 1; }
int64_t blocks_that_share(size_t) { return 1; }

namespace {

using cuda_host::input_seed;

TEST(CudaAttention, AgreesAtEveryTileEdge) {
  for (const int64_t keys : {1, 63, 64, 65, 127, 129}) {
    expect_attention_like_reference(host_memory(), {3, keys, 1, 120, DType::kBF16}, input_seed());
    expect_attention_like_reference(host_memory(), {65, keys, 1, 64, DType::kF16}, input_seed());
  }
}

// 16 keys a step, 144 at most, 96 queries a tile; two blocks share the tiles of three heads.
TEST(CudaAttention, KeepsFewKeys) {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    for (const auto& [queries, keys] :
         {std::pair{1, 1}, {15, 16}, {97, 17}, {193, 131}, {96, 144}, {5, 145}, {40, 200}}) {
      for (const bool key_bias : {false, true}) {
        expect_attention_like_reference(host_memory(),
                                        {.queries = queries,
                                         .keys = keys,
                                         .heads = 3,
                                         .head_dim = 128,
                                         .dtype = dtype,
                                         .key_bias = key_bias,
                                         .gap = 8},
                                        input_seed());
      }
    }
  }
}

TEST(CudaAttention, AddsBothBiases) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const bool relative : {false, true}) {
      expect_attention_like_reference(host_memory(),
                                      {.queries = 37,
                                       .keys = 70,
                                       .heads = 2,
                                       .head_dim = 64,
                                       .dtype = dtype,
                                       .key_bias = true,
                                       .relative_bias = relative},
                                      input_seed());
    }
    expect_attention_like_reference(host_memory(),
                                    {.queries = 70,
                                     .keys = 37,
                                     .heads = 2,
                                     .head_dim = 64,
                                     .dtype = dtype,
                                     .relative_bias = true},
                                    input_seed());
  }
}

TEST(CudaAttention, TakesHeadsOfAnyWidthAndRowsWithGaps) {
  for (const int64_t head_dim : {8, 40, 72, 128, 192, 200, 384}) {
    expect_attention_like_reference(host_memory(),
                                    {.queries = 5,
                                     .keys = 33,
                                     .heads = 2,
                                     .head_dim = head_dim,
                                     .dtype = DType::kBF16,
                                     .gap = 16},
                                    input_seed());
  }
}

TEST(CudaAttention, FallsBackToPlainSums) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const int64_t head_dim : {1, 31, 33, 66}) {
      expect_attention_like_reference(
          host_memory(),
          {.queries = 5, .keys = 65, .heads = 2, .head_dim = head_dim, .dtype = dtype},
          input_seed());
    }
    expect_attention_like_reference(
        host_memory(),
        {.queries = 3, .keys = 7, .heads = 1, .head_dim = 512, .dtype = dtype, .gap = 3},
        input_seed());
  }
}

TEST(CudaAttention, ExpandsBiasesByBucket) {
  const Tensor table = test::random_tensor({32, 3}, DType::kF32, input_seed());
  const Tensor buckets(DType::kI32, {131});
  for (int64_t at = 0; at < 131; ++at) buckets.view().as<int32_t>()[at] = int32_t(at * 7 % 32);
  const Tensor got = test::poisoned_tensor({3, 131}, DType::kF32);

  expand_bias({.table = table.view().as<float>(),
               .bucket = buckets.view().as<int32_t>(),
               .out = got.view().as<float>(),
               .count = 131,
               .heads = 3},
              {});

  for (int64_t head = 0; head < 3; ++head) {
    for (int64_t at = 0; at < 131; ++at) {
      EXPECT_EQ(got.view().as<float>()[head * 131 + at],
                table.view().as<float>()[at * 7 % 32 * 3 + head]);
    }
  }
}

}  // namespace
}  // namespace reel::cuda
