// SPDX-License-Identifier: Apache-2.0
// Attention of the CUDA backend against the reference, in whatever memory its kernels run.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "parity/cuda_heads_cases.h"
#include "support/device_tensor.h"
#include "support/logit_regimes.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {

// Heads as the kernels that quantise make them, on the host.
struct Int8Heads {
  Tensor numbers, scales;
};
struct Int8Problem {
  Int8Heads q, k;
  Tensor v, v_mean;  // f16 or e4m3
  Tensor v_scales;
};

// One of both is null.
template <typename Memory>
uint16_t* f16_values(const Memory& v) {
  return v.view().dtype == DType::kF16 ? v.view().template as<uint16_t>() : nullptr;
}
template <typename Memory>
uint8_t* e4m3_values(const Memory& v) {
  return v.view().dtype == DType::kF8E4M3 ? v.view().template as<uint8_t>() : nullptr;
}

inline Int8Problem make_int8_problem(int64_t queries, int64_t keys, int64_t heads, uint64_t seed,
                                     DType values = DType::kF16) {
  const int64_t padded_queries = ops::int8_padded(queries);
  const int64_t padded_keys = ops::int8_padded(keys);
  Int8Problem problem{.q = {test::poisoned_tensor({heads, padded_queries, 128}, DType::kI8),
                            test::poisoned_tensor({heads, padded_queries}, DType::kF32)},
                      .k = {test::poisoned_tensor({heads, padded_keys, 128}, DType::kI8),
                            test::poisoned_tensor({heads, padded_keys / 64, 4}, DType::kF32)},
                      .v = test::poisoned_tensor({heads, padded_keys, 128}, values),
                      .v_mean = test::poisoned_tensor({heads, 128}, DType::kF32),
                      .v_scales = test::poisoned_tensor({heads, 128}, DType::kF32)};
  const Tensor q = test::random_tensor({queries, heads * 128}, DType::kF32, seed, -3, 3);
  const Tensor k = test::random_tensor({keys, heads * 128}, DType::kF32, seed + 1, -1, 2);
  const Tensor v = test::random_tensor({keys, heads * 128}, DType::kF32, seed + 2, -1, 2);
  const HeadNormTensors q_norm(q, heads, seed + 3);
  const HeadNormTensors k_norm(k, heads, seed + 5);
  const auto norm = [](const HeadNormTensors& tensors) {
    return ops::HeadNorm{tensors.sum_squares.view().as<float>(), tensors.weight.view().as<float>(),
                         1e-6f, nullptr};
  };
  const Tensor k_mean(DType::kF32, {heads, 128});
  cpu::reference::quantise_queries({.x = q.view().data,
                                    .dtype = DType::kF32,
                                    .norm = norm(q_norm),
                                    .numbers = problem.q.numbers.view().as<int8_t>(),
                                    .scales = problem.q.scales.view().as<float>(),
                                    .rows = queries,
                                    .heads = heads},
                                   {});
  cpu::reference::quantise_keys({.x = k.view().data,
                                 .dtype = DType::kF32,
                                 .norm = norm(k_norm),
                                 .numbers = problem.k.numbers.view().as<int8_t>(),
                                 .scales = problem.k.scales.view().as<float>(),
                                 .mean = k_mean.view().as<float>(),
                                 .rows = keys,
                                 .heads = heads},
                                {});
  cpu::reference::prepare_values({.x = v.view().data,
                                  .dtype = DType::kF32,
                                  .numbers = f16_values(problem.v),
                                  .mean = problem.v_mean.view().as<float>(),
                                  .rows = keys,
                                  .heads = heads,
                                  .e4m3 = e4m3_values(problem.v),
                                  .scales = problem.v_scales.view().as<float>()},
                                 {});
  return problem;
}

inline void lengthen_keys(const Int8Problem& problem) {
  const auto scales = problem.k.scales.values<float>();
  const int64_t of_head = problem.k.scales.shape()[1] * ops::kInt8KeyScales;
  for (size_t at = 0; at < scales.size(); ++at) {
    scales[at] *= static_cast<float>(1 + static_cast<int64_t>(at) % of_head / ops::kInt8KeyScales);
  }
}

struct Int8AttentionCase {
  int64_t queries, keys, heads;
  DType dtype;
  float scale = 0.5f;   // far from flat
  bool rising = false;  // keys of every tile are longer than those of the one before
  DType values = DType::kF16;
};

using Int8AttentionKernel = void (*)(const ops::Int8AttentionArgs&, Stream);

inline void expect_int8_attention_like_reference(MemorySpace& memory, const Int8AttentionCase& c,
                                                 uint64_t seed,
                                                 Int8AttentionKernel kernel = int8_attention) {
  SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, " << c.heads
                                  << " heads, " << c.dtype << ", " << c.values << " values, seed "
                                  << seed);
  const Int8Problem problem = make_int8_problem(c.queries, c.keys, c.heads, seed, c.values);
  if (c.rising) lengthen_keys(problem);
  const Tensor want = test::poisoned_tensor({c.queries, c.heads * 128}, c.dtype);
  const test::DeviceTensor q(memory, problem.q.numbers);
  const test::DeviceTensor q_scales(memory, problem.q.scales);
  const test::DeviceTensor k(memory, problem.k.numbers);
  const test::DeviceTensor k_scales(memory, problem.k.scales);
  const test::DeviceTensor v(memory, problem.v);
  const test::DeviceTensor v_mean(memory, problem.v_mean);
  const test::DeviceTensor v_scales(memory, problem.v_scales);
  const test::DeviceTensor out(memory, want);
  ops::Int8AttentionArgs args{.q = q.view().as<int8_t>(),
                              .q_scales = q_scales.view().as<float>(),
                              .k = k.view().as<int8_t>(),
                              .k_scales = k_scales.view().as<float>(),
                              .v = f16_values(v),
                              .v_mean = v_mean.view().as<float>(),
                              .out = out.data(),
                              .dtype = c.dtype,
                              .queries = c.queries,
                              .keys = c.keys,
                              .heads = c.heads,
                              .scale = c.scale,
                              .v_e4m3 = e4m3_values(v),
                              .v_scales = v_scales.view().as<float>()};
  kernel(args, {});
  const Tensor got = out.download();
  kernel(args, {});
  const Tensor again = out.download();

  args.q = problem.q.numbers.view().as<int8_t>();
  args.q_scales = problem.q.scales.view().as<float>();
  args.k = problem.k.numbers.view().as<int8_t>();
  args.k_scales = problem.k.scales.view().as<float>();
  args.v = f16_values(problem.v);
  args.v_mean = problem.v_mean.view().as<float>();
  args.v_e4m3 = e4m3_values(problem.v);
  args.v_scales = problem.v_scales.view().as<float>();
  args.out = want.view().data;
  cpu::reference::int8_attention(args, {});
  EXPECT_LE(test::relative_error(got, want),
            test::tolerance::cuda_int8_attention(c.dtype, c.values));
  EXPECT_EQ(std::memcmp(got.bytes().data(), again.bytes().data(), got.bytes().size()), 0)
      << "two runs differ";
}

// One head, of which any rows can be asked for.
class Int8Chunks {
 public:
  Int8Chunks(MemorySpace& memory, int64_t queries, int64_t keys, Int8AttentionKernel kernel,
             uint64_t seed, DType values = DType::kF16)
      : Int8Chunks(memory, make_int8_problem(queries + ops::kInt8RowTile, keys, 1, seed, values),
                   keys, kernel) {}

  Tensor rows(int64_t begin, int64_t count) const {
    const test::DeviceTensor out(memory_, test::poisoned_tensor({count, 128}, DType::kF32));
    kernel_({.q = q_.view().as<int8_t>() + begin * ops::kInt8HeadDim,
             .q_scales = q_scales_.view().as<float>() + begin,
             .k = k_.view().as<int8_t>(),
             .k_scales = k_scales_.view().as<float>(),
             .v = f16_values(v_),
             .v_mean = v_mean_.view().as<float>(),
             .out = out.data(),
             .dtype = DType::kF32,
             .queries = count,
             .keys = keys_,
             .heads = 1,
             .scale = 0.5f,
             .v_e4m3 = e4m3_values(v_),
             .v_scales = v_scales_.view().as<float>()},
            {});
    return out.download();
  }

 private:
  Int8Chunks(MemorySpace& memory, const Int8Problem& problem, int64_t keys,
             Int8AttentionKernel kernel)
      : memory_(memory),
        q_(memory, problem.q.numbers),
        q_scales_(memory, problem.q.scales),
        k_(memory, problem.k.numbers),
        k_scales_(memory, problem.k.scales),
        v_(memory, problem.v),
        v_mean_(memory, problem.v_mean),
        v_scales_(memory, problem.v_scales),
        keys_(keys),
        kernel_(kernel) {}

  MemorySpace& memory_;
  test::DeviceTensor q_, q_scales_, k_, k_scales_, v_, v_mean_, v_scales_;
  int64_t keys_;
  Int8AttentionKernel kernel_;
};

// Quantises f32 heads as they are, without a norm, and attends: all by the backend's kernels.
inline Tensor int8_attention_of(MemorySpace& memory, const test::HeadData& data, DType values) {
  const int64_t queries = data.q.shape()[0];
  const int64_t keys = data.k.shape()[0];
  const Tensor sums(DType::kF32, {std::max(queries, keys), 1});
  for (float& sum : sums.values<float>()) sum = ops::kInt8HeadDim;
  const Tensor ones(DType::kF32, {ops::kInt8HeadDim});
  for (float& one : ones.values<float>()) one = 1;
  const int64_t padded_queries = ops::int8_padded(queries);
  const int64_t padded_keys = ops::int8_padded(keys);
  const test::DeviceTensor x_q(memory, data.q);
  const test::DeviceTensor x_k(memory, data.k);
  const test::DeviceTensor x_v(memory, data.v);
  const test::DeviceTensor device_sums(memory, sums);
  const test::DeviceTensor weight(memory, ones);
  const test::DeviceTensor q(memory, test::poisoned_tensor({padded_queries, 128}, DType::kI8));
  const test::DeviceTensor q_scales(memory, test::poisoned_tensor({padded_queries}, DType::kF32));
  const test::DeviceTensor k(memory, test::poisoned_tensor({padded_keys, 128}, DType::kI8));
  const test::DeviceTensor k_scales(memory,
                                    test::poisoned_tensor({padded_keys / 64, 4}, DType::kF32));
  const test::DeviceTensor k_mean(memory, test::poisoned_tensor({128}, DType::kF32));
  const test::DeviceTensor v(memory, test::poisoned_tensor({padded_keys, 128}, values));
  const test::DeviceTensor v_mean(memory, test::poisoned_tensor({128}, DType::kF32));
  const test::DeviceTensor v_scales(memory, test::poisoned_tensor({128}, DType::kF32));
  const test::DeviceTensor out(memory, test::poisoned_tensor({queries, 128}, DType::kF32));
  const ops::HeadNorm norm{device_sums.view().as<float>(), weight.view().as<float>(), 0, nullptr};
  quantise_queries({.x = x_q.data(),
                    .dtype = DType::kF32,
                    .norm = norm,
                    .numbers = q.view().as<int8_t>(),
                    .scales = q_scales.view().as<float>(),
                    .rows = queries,
                    .heads = 1},
                   {});
  quantise_keys({.x = x_k.data(),
                 .dtype = DType::kF32,
                 .norm = norm,
                 .numbers = k.view().as<int8_t>(),
                 .scales = k_scales.view().as<float>(),
                 .mean = k_mean.view().as<float>(),
                 .rows = keys,
                 .heads = 1},
                {});
  prepare_values({.x = x_v.data(),
                  .dtype = DType::kF32,
                  .numbers = f16_values(v),
                  .mean = v_mean.view().as<float>(),
                  .rows = keys,
                  .heads = 1,
                  .e4m3 = e4m3_values(v),
                  .scales = v_scales.view().as<float>()},
                 {});
  int8_attention({.q = q.view().as<int8_t>(),
                  .q_scales = q_scales.view().as<float>(),
                  .k = k.view().as<int8_t>(),
                  .k_scales = k_scales.view().as<float>(),
                  .v = f16_values(v),
                  .v_mean = v_mean.view().as<float>(),
                  .out = out.data(),
                  .dtype = DType::kF32,
                  .queries = queries,
                  .keys = keys,
                  .heads = 1,
                  .scale = 1 / std::sqrt(float{ops::kInt8HeadDim}),
                  .v_e4m3 = e4m3_values(v),
                  .v_scales = v_scales.view().as<float>()},
                 {});
  return out.download();
}

inline void expect_near_exact_attention(MemorySpace& memory, const test::LogitRegime& regime,
                                        int64_t queries, int64_t keys, uint64_t seed,
                                        DType values = DType::kF16) {
  SCOPED_TRACE(testing::Message() << regime.name << ", " << values << " values, " << queries
                                  << " queries, " << keys << " keys, seed " << seed);
  const test::HeadData data = test::make_head(regime, queries, keys, seed);
  std::vector<int64_t> sample;
  for (int64_t query = 0; query < queries; query += (queries + 23) / 24) sample.push_back(query);

  const Tensor got = int8_attention_of(memory, data, values);

  const auto want = test::exact_attention(data.q, data.k, data.v, sample);
  EXPECT_LT(test::relative_l1(got, want, sample),
            values == DType::kF16 ? regime.most_error : regime.most_error_e4m3);
}

// Keys that are all alike weigh 448 each, and every value is the largest of its channel but for the
// rows of the mean: the output is the average of the values.
inline void expect_average_of_equal_keys(MemorySpace& memory) {
  constexpr int64_t kKeys = 64;
  test::HeadData data{.q = Tensor(DType::kF32, {3, 128}),
                      .k = Tensor(DType::kF32, {kKeys, 128}),
                      .v = Tensor(DType::kF32, {kKeys, 128})};
  for (float& value : data.q.values<float>()) value = 1;
  for (float& value : data.k.values<float>()) value = 2;
  for (int64_t at = 0; at < kKeys * 128; ++at) {
    data.v.view().as<float>()[at] = at / 128 % ops::kInt8MeanStride == 0 ? 0.0f : 3.0f;
  }

  const Tensor got = int8_attention_of(memory, data, DType::kF8E4M3);

  for (int64_t at = 0; at < 3 * 128; ++at) {
    // 30 of each 32 values: 60,480, of which f16 keeps 11 bits.
    EXPECT_NEAR(got.view().as<float>()[at], 3.0f * 15 / 16, 3e-3f) << "at " << at;
  }
}

struct AttentionCase {
  int64_t queries, keys, heads, head_dim;
  DType dtype;
  bool key_bias = false;
  bool relative_bias = false;
  int64_t gap = 0;  // numbers between rows
};

inline void expect_attention_like_reference(MemorySpace& memory, const AttentionCase& c,
                                            uint64_t seed) {
  SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, " << c.heads
                                  << " heads of " << c.head_dim << ", " << c.dtype << ", biases "
                                  << c.key_bias << c.relative_bias << ", gap " << c.gap << ", seed "
                                  << seed);
  const int64_t stride = c.heads * c.head_dim + c.gap;
  const int64_t relative_stride = c.queries + c.keys + 4;
  const Tensor q = test::random_tensor({c.queries, stride}, c.dtype, seed, -2, 2);
  const Tensor k = test::random_tensor({c.keys, stride}, c.dtype, seed + 1, -2, 2);
  const Tensor v = test::random_tensor({c.keys, stride}, c.dtype, seed + 2);
  const Tensor key_bias = test::random_tensor({c.keys}, DType::kF32, seed + 3);
  const Tensor relative =
      test::random_tensor({c.heads, relative_stride}, DType::kF32, seed + 4, -2, 2);
  const Tensor want = test::poisoned_tensor({c.queries, stride}, c.dtype);
  const test::DeviceTensor device_q(memory, q);
  const test::DeviceTensor device_k(memory, k);
  const test::DeviceTensor device_v(memory, v);
  const test::DeviceTensor device_key_bias(memory, key_bias);
  const test::DeviceTensor device_relative(memory, relative);
  const test::DeviceTensor out(memory, want);
  ops::AttentionArgs args{
      .q = device_q.data(),
      .k = device_k.data(),
      .v = device_v.data(),
      .out = out.data(),
      .dtype = c.dtype,
      .queries = c.queries,
      .keys = c.keys,
      .heads = c.heads,
      .head_dim = c.head_dim,
      .q_stride = stride,
      .k_stride = stride,
      .v_stride = stride,
      .out_stride = stride,
      .scale = 1 / std::sqrt(static_cast<float>(c.head_dim)),
      .key_bias = c.key_bias ? device_key_bias.view().as<float>() : nullptr,
      .relative_bias = c.relative_bias ? device_relative.view().as<float>() : nullptr,
      .relative_stride = relative_stride};
  attention(args, {});
  const Tensor got = out.download();

  args.q = q.view().data;
  args.k = k.view().data;
  args.v = v.view().data;
  args.out = want.view().data;
  args.key_bias = c.key_bias ? key_bias.view().as<float>() : nullptr;
  args.relative_bias = c.relative_bias ? relative.view().as<float>() : nullptr;
  cpu::reference::attention(args, {});
  // Between the rows both must have left the poison.
  const int64_t width = c.heads * c.head_dim;
  const int64_t element = storage_bytes(c.dtype, 1);
  for (int64_t row = 0; row < c.queries; ++row) {
    const std::byte* gap = got.bytes().data() + (row * stride + width) * element;
    for (int64_t at = 0; at < c.gap * element; ++at) ASSERT_EQ(gap[at], std::byte{0xff});
    std::memset(got.bytes().data() + (row * stride + width) * element, 0,
                static_cast<size_t>(c.gap * element));
    std::memset(want.bytes().data() + (row * stride + width) * element, 0,
                static_cast<size_t>(c.gap * element));
  }
  EXPECT_LE(test::relative_error(got, want), test::tolerance::cuda_attention(c.dtype));
}

}  // namespace reel::cuda
