// SPDX-License-Identifier: Apache-2.0
// Attention on a GPU: against the reference at the edges of tiles, against float64 at the networks'
// lengths.
#include "parity/cuda_attention_cases.h"
#include "parity/cuda_heads_cases.h"
#include "parity/cuda_int8_attention_cases.h"
#include "support/open_gpu.h"

namespace reel::cuda {
namespace {

constexpr DType kDtypes[] = {DType::kF32, DType::kF16, DType::kBF16};
constexpr int64_t kLengths[] = {1, 63, 64, 65, 127, 129, 1000};

class CudaAttentionOnGpu : public test::OnGpu {};

TEST_F(CudaAttentionOnGpu, PlainEqualsTheReferenceAtEveryTileEdge) {
  for (const DType dtype : kDtypes) {
    for (const int64_t keys : kLengths) {
      for (const int64_t head_dim : {64, 128}) {
        expect_attention_like_reference(memory(), {70, keys, 3, head_dim, dtype}, 1);
        expect_attention_like_reference(memory(),
                                        {.queries = keys,
                                         .keys = 70,
                                         .heads = 3,
                                         .head_dim = head_dim,
                                         .dtype = dtype,
                                         .key_bias = true,
                                         .relative_bias = true,
                                         .gap = 8},
                                        2);
      }
    }
  }
}

TEST_F(CudaAttentionOnGpu, FewKeysEqualTheReference) {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    for (const int64_t keys : {1, 16, 17, 131, 144, 145}) {
      for (const int64_t queries : {1, 96, 97, 3001}) {
        expect_attention_like_reference(memory(),
                                        {.queries = queries,
                                         .keys = keys,
                                         .heads = 5,
                                         .head_dim = 128,
                                         .dtype = dtype,
                                         .key_bias = queries != 96,
                                         .gap = queries == 97 ? 8 : 0},
                                        10);
      }
    }
  }
}

TEST_F(CudaAttentionOnGpu, PlainTakesHeadsOfAnyWidth) {
  for (const DType dtype : kDtypes) {
    for (const int64_t head_dim : {1, 8, 33, 40, 96, 136, 192, 200, 384, 392, 512}) {
      expect_attention_like_reference(memory(), {130, 257, 2, head_dim, dtype}, 3);
    }
  }
}

TEST_F(CudaAttentionOnGpu, HeadsEqualTheReference) {
  for (const DType dtype : kDtypes) {
    for (const int64_t rows : kLengths) {
      for (const bool rope : {false, true}) {
        expect_quantised_queries_like_reference(memory(), {rows, 5, dtype, rope}, 4);
        expect_quantised_keys_like_reference(memory(), {rows, 5, dtype, rope}, 5);
      }
      expect_values_like_reference(memory(), {rows, 5, dtype}, 6);
      expect_e4m3_values_like_reference(memory(), {rows, 5, dtype}, 6);
    }
    for (const int64_t others : {2, 35}) {
      expect_quantised_queries_like_reference(memory(), {300, 5, dtype, true, others}, 10);
      expect_quantised_keys_like_reference(memory(), {300, 5, dtype, true, others}, 11);
    }
    expect_quantised_queries_like_reference(memory(), {4097, 40, dtype}, 7);
    expect_quantised_keys_like_reference(memory(), {4097, 7, dtype}, 8);
    expect_quantised_keys_like_reference(memory(), {4097, 40, dtype}, 8);
    expect_values_like_reference(memory(), {4097, 40, dtype}, 9);
    expect_e4m3_values_like_reference(memory(), {4097, 40, dtype}, 9);
  }
}

// What the GPU would take, and what it takes where it is not 9.0.
constexpr Int8AttentionKernel kInt8Kernels[] = {int8_attention, mma_sync_attention};

TEST_F(CudaAttentionOnGpu, Int8EqualsTheReferenceAtEveryTileEdge) {
  for (const Int8AttentionKernel kernel : kInt8Kernels) {
    for (const DType dtype : kDtypes) {
      for (const int64_t keys : kLengths) {
        expect_int8_attention_like_reference(memory(), {130, keys, 3, dtype}, 10, kernel);
        expect_int8_attention_like_reference(memory(), {keys, 130, 3, dtype, 40.0f}, 11, kernel);
      }
    }
    // A block of wgmma_attention has 192 queries.
    for (const int64_t queries : {191, 192, 193, 400}) {
      expect_int8_attention_like_reference(memory(), {queries, 300, 2, DType::kF32}, 15, kernel);
    }
  }
}

TEST_F(CudaAttentionOnGpu, Int8FollowsMaximaThatGrowWithEveryTile) {
  for (const Int8AttentionKernel kernel : kInt8Kernels) {
    for (const float scale : {0.02f, 0.5f, 40.0f}) {
      expect_int8_attention_like_reference(memory(),
                                           {.queries = 130,
                                            .keys = 1000,
                                            .heads = 2,
                                            .dtype = DType::kF32,
                                            .scale = scale,
                                            .rising = true},
                                           16, kernel);
    }
  }
}

// Of 700 rows.
void expect_same_bytes_in_any_chunk(const Int8Chunks& chunks) {
  const Tensor whole = chunks.rows(0, 700);
  for (const auto& [begin, rows] : {std::pair{0, 300}, {64, 1}, {333, 129}, {500, 200}}) {
    const Tensor part = chunks.rows(begin, rows);
    EXPECT_EQ(std::memcmp(part.bytes().data(), whole.bytes().data() + begin * 128 * sizeof(float),
                          part.bytes().size()),
              0)
        << rows << " rows from " << begin;
  }
}

TEST_F(CudaAttentionOnGpu, Int8RowsHaveTheSameBytesInAnyChunk) {
  for (const Int8AttentionKernel kernel : kInt8Kernels) {
    expect_same_bytes_in_any_chunk(Int8Chunks(memory(), 700, 1500, kernel, 17));
  }
}

TEST_F(CudaAttentionOnGpu, Int8IsNearExactAttentionInEveryRegime) {
  for (const test::LogitRegime& regime : test::kLogitRegimes) {
    expect_near_exact_attention(memory(), regime, 48, 32768, 12);
  }
}

TEST_F(CudaAttentionOnGpu, Int8IsNearExactAttentionAtEveryLength) {
  for (const int64_t keys : {32760, 75600, 200000}) {
    expect_near_exact_attention(memory(), test::kLogitRegimes[1], 300, keys, 13);
  }
}

// Where the program has code for 8.9 or newer.
class CudaE4M3AttentionOnGpu : public test::OnGpu {
 protected:
  void SetUp() override {
    test::OnGpu::SetUp();
    if (!IsSkipped() && !takes_e4m3_values()) GTEST_SKIP() << "no code for 8.9 or newer";
  }
};

// What the GPU would take, and what it takes where it is not 9.0.
constexpr Int8AttentionKernel kE4M3Kernels[] = {int8_attention, e4m3_attention};

void expect_e4m3_tile_edges(MemorySpace& memory, Int8AttentionKernel kernel) {
  for (const DType dtype : kDtypes) {
    for (const int64_t keys : kLengths) {
      // Rising, at most about 4,600 in base 2. From 16,384 on f32 logits are 2^-9 off, which e4m3
      // rounds away from the largest weight, and not from the total.
      for (const float scale : {0.5f, 4.0f}) {
        expect_int8_attention_like_reference(memory,
                                             {.queries = 130,
                                              .keys = keys,
                                              .heads = 3,
                                              .dtype = dtype,
                                              .scale = scale,
                                              .rising = scale > 1,
                                              .values = DType::kF8E4M3},
                                             10, kernel);
      }
    }
  }
}

TEST_F(CudaE4M3AttentionOnGpu, EqualsTheReferenceAtEveryTileEdge) {
  for (const Int8AttentionKernel kernel : kE4M3Kernels) expect_e4m3_tile_edges(memory(), kernel);
}

TEST_F(CudaE4M3AttentionOnGpu, FollowsMaximaThatGrowWithinARun) {
  for (const Int8AttentionKernel kernel : kE4M3Kernels) {
    // At most about 3,000 in base 2. With 40, as the host's test of a quarter of the tiles has, f32
    // logits are 2^-9 off, which more rows show than one.
    for (const float scale : {0.25f, 0.6f, 10.0f}) {
      expect_int8_attention_like_reference(memory(),
                                           {.queries = 130,
                                            .keys = 1000,
                                            .heads = 2,
                                            .dtype = DType::kF32,
                                            .scale = scale,
                                            .rising = true,
                                            .late = true,
                                            .values = DType::kF8E4M3},
                                           18, kernel);
    }
  }
}

// A block of wgmma_attention has 192 queries, and a slot of its ring 64 keys.
TEST_F(CudaE4M3AttentionOnGpu, EqualsTheReferenceAtEveryEdgeOfAWgmmaBlock) {
  const auto expect_equal = [](int64_t queries, int64_t keys, int64_t heads) {
    expect_int8_attention_like_reference(memory(),
                                         {.queries = queries,
                                          .keys = keys,
                                          .heads = heads,
                                          .dtype = DType::kF32,
                                          .values = DType::kF8E4M3},
                                         20);
  };
  for (const int64_t queries : {1, 63, 64, 65, 191, 192, 193, 383, 385}) {
    expect_equal(queries, 300, 2);
  }
  for (const int64_t keys : {128, 191, 192, 193, 383, 385, 512, 513, 577}) {
    expect_equal(70, keys, 2);
  }
  expect_equal(4097, 4097, 1);
  expect_equal(321, 32760, 1);
}

TEST_F(CudaE4M3AttentionOnGpu, RowsHaveTheSameBytesInAnyChunk) {
  for (const Int8AttentionKernel kernel : kE4M3Kernels) {
    expect_same_bytes_in_any_chunk(Int8Chunks(memory(), 700, 1500, kernel, 17, DType::kF8E4M3));
  }
}

TEST_F(CudaE4M3AttentionOnGpu, SumsOfTheLargestWeightsAndValuesAreFinite) {
  for (const Int8AttentionKernel kernel : kE4M3Kernels) {
    expect_average_of_equal_keys(memory(), 64, 1e-3f, kernel);
  }
}

// The worst for sums of 13 bits: all terms are alike, so that what is cut off each has one sign.
TEST_F(CudaE4M3AttentionOnGpu, LongSumsOfTheLargestWeightsAndValuesLoseLittle) {
  expect_average_of_equal_keys(memory(), 8192, 1e-2f);
}

TEST_F(CudaE4M3AttentionOnGpu, IsNearExactAttention) {
  constexpr DType kValues = DType::kF8E4M3;
  for (const Int8AttentionKernel kernel : kE4M3Kernels) {
    for (const test::LogitRegime& regime : test::kLogitRegimes) {
      expect_near_exact_attention(memory(), regime, 48, 32768, 12, kValues, kernel);
    }
    for (const int64_t keys : {32760, 75600, 200000}) {
      expect_near_exact_attention(memory(), test::kLogitRegimes[1], 300, keys, 13, kValues, kernel);
    }
  }
}

constexpr int64_t kFarHeads = 90;

// Zeros, and what `tensor` holds as the last head.
struct FarTensor {
  MemorySpace& memory;
  size_t head_bytes;
  std::byte* data;

  FarTensor(MemorySpace& space, const Tensor& tensor)
      : memory(space),
        head_bytes(tensor.bytes().size()),
        data(space.allocate(kFarHeads * head_bytes, "test")) {
    memory.zero(data, kFarHeads * head_bytes, {});
    memory.upload(data + (kFarHeads - 1) * head_bytes, tensor.bytes().data(), head_bytes, {});
  }
  ~FarTensor() { memory.free(data); }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data);
  }
};

// The last of 90 heads of 200,000 keys starts more than 2^31 bytes into the keys.
void expect_last_head_like_reference(MemorySpace& memory, DType values,
                                     Int8AttentionKernel kernel) {
  constexpr int64_t kKeys = 200000;
  constexpr int64_t kQueries = 5;
  const Int8Problem one = make_int8_problem(kQueries, kKeys, 1, 14, values);
  const FarTensor q(memory, one.q.numbers);
  const FarTensor q_scales(memory, one.q.scales);
  const FarTensor k(memory, one.k.numbers);
  const FarTensor k_scales(memory, one.k.scales);
  const FarTensor v(memory, one.v);
  const FarTensor v_mean(memory, one.v_mean);
  const FarTensor v_scales(memory, one.v_scales);
  const test::DeviceTensor out(memory,
                               test::poisoned_tensor({kQueries, kFarHeads * 128}, DType::kF32));
  ops::Int8AttentionArgs args{.q = q.as<int8_t>(),
                              .q_scales = q_scales.as<float>(),
                              .k = k.as<int8_t>(),
                              .k_scales = k_scales.as<float>(),
                              .v = values == DType::kF16 ? v.as<uint16_t>() : nullptr,
                              .v_mean = v_mean.as<float>(),
                              .out = out.data(),
                              .dtype = DType::kF32,
                              .queries = kQueries,
                              .keys = kKeys,
                              .heads = kFarHeads,
                              .scale = 0.5f,
                              .v_e4m3 = values == DType::kF16 ? nullptr : v.as<uint8_t>(),
                              .v_scales = v_scales.as<float>()};

  const int64_t run_keys = keys_at_once(kernel, args);

  kernel(args, {});

  const Tensor all = out.download();
  const Tensor got(DType::kF32, {kQueries, 128});
  for (int64_t row = 0; row < kQueries; ++row) {
    std::memcpy(got.view().as<float>() + row * 128,
                all.view().as<float>() + (row * kFarHeads + kFarHeads - 1) * 128,
                128 * sizeof(float));
  }
  const Tensor want = test::poisoned_tensor({kQueries, 128}, DType::kF32);
  args.q = one.q.numbers.view().as<int8_t>();
  args.q_scales = one.q.scales.view().as<float>();
  args.k = one.k.numbers.view().as<int8_t>();
  args.k_scales = one.k.scales.view().as<float>();
  args.v = f16_values(one.v);
  args.v_e4m3 = e4m3_values(one.v);
  args.v_scales = one.v_scales.view().as<float>();
  args.v_mean = one.v_mean.view().as<float>();
  args.out = want.view().data;
  args.heads = 1;
  cpu::reference::int8_attention_in_runs(args, run_keys);
  expect_near_reference(got.view(), want.view(), values, run_keys == numerics::kE4M3MaximumRun);
}

TEST_F(CudaAttentionOnGpu, Int8HeadsMayBeFarApart) {
  if (gpu().free_bytes() < uint64_t{9} << 30) GTEST_SKIP() << "needs 9 GiB of GPU memory";
  for (const Int8AttentionKernel kernel : kInt8Kernels) {
    expect_last_head_like_reference(memory(), DType::kF16, kernel);
  }
}

TEST_F(CudaE4M3AttentionOnGpu, HeadsMayBeFarApart) {
  if (gpu().free_bytes() < uint64_t{9} << 30) GTEST_SKIP() << "needs 9 GiB of GPU memory";
  for (const Int8AttentionKernel kernel : kE4M3Kernels) {
    expect_last_head_like_reference(memory(), DType::kF8E4M3, kernel);
  }
}

}  // namespace
}  // namespace reel::cuda
