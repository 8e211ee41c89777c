// SPDX-License-Identifier: Apache-2.0
// 8-bit attention of the CUDA backend against the reference and float64, in whatever memory its
// kernels run.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string_view>
#include <vector>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "core/numerics/e4m3_attention.h"
#include "parity/int8_problem.h"
#include "support/device_tensor.h"
#include "support/logit_regimes.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {

// A weight that is the middle of two e4m3 numbers but for the rounding of f32 may become either.
// They are at most an eighth of it apart, and its row is off by no more than that. It is rare, less
// so where offsets of exponents are rounded, up to 2^-11 of a weight: that turned 1 of 290 rows of
// 33 keys of which few weigh much, and 1 of 30 where all weigh alike.
inline void expect_near_reference(const TensorView& got, const TensorView& want, DType values,
                                  bool rounds_offsets) {
  const double most = test::tolerance::cuda_int8_attention(want.dtype, values);
  if (values == DType::kF16) {
    EXPECT_LE(test::relative_error(got, want), most);
    return;
  }
  const int64_t rows = want.elements() / 128;
  std::vector<double> errors;
  for (int64_t row = 0; row < rows; ++row) {
    errors.push_back(test::relative_error(got.reshaped({rows, 128}).slice(row, 1),
                                          want.reshaped({rows, 128}).slice(row, 1)));
    ASSERT_LE(errors.back(), 0.125) << "row of a head " << row;
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_LE(errors[errors.size() / 2], most / 2) << "half of the rows";
  const auto further = errors.end() - std::upper_bound(errors.begin(), errors.end(), most);
  EXPECT_LE(further, rounds_offsets ? 2 + rows / 8 : 1 + rows / 500)
      << "of " << rows << " rows are off by more than " << most;
}

struct Int8AttentionCase {
  int64_t queries, keys, heads;
  DType dtype;
  float scale = 0.5f;   // far from flat
  bool rising = false;  // keys of every tile are longer than those of the one before
  bool late = false;    // as shorten_first_keys() says
  bool tied = false;    // as tie_keys() says
  DType values = DType::kF16;
};

using Int8AttentionKernel = void (*)(const ops::Int8AttentionArgs&, Stream);

// After how many keys it looks at a maximum.
inline int64_t keys_at_once(Int8AttentionKernel kernel, const ops::Int8AttentionArgs& args) {
  const bool wgmma =
      kernel == int8_attention && std::string_view(which_int8_attention(args)).starts_with("wgmma");
  return wgmma ? ops::kInt8KeyTile : numerics::kE4M3MaximumRun;
}

inline void expect_int8_attention_like_reference(MemorySpace& memory, const Int8AttentionCase& c,
                                                 uint64_t seed,
                                                 Int8AttentionKernel kernel = int8_attention) {
  SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, " << c.heads
                                  << " heads, " << c.dtype << ", " << c.values << " values, scale "
                                  << c.scale << ", seed " << seed);
  const Int8Problem problem = make_int8_problem(c.queries, c.keys, c.heads, seed, c.values);
  if (c.rising) lengthen_keys(problem);
  if (c.late) shorten_first_keys(problem);
  if (c.tied) tie_keys(problem);
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
  const int64_t run_keys = keys_at_once(kernel, args);
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
  cpu::reference::int8_attention_in_runs(args, run_keys);
  const float factor = smallest_scale(problem, c.queries) * c.scale * std::numbers::log2e_v<float>;
  const bool rounds_offsets = run_keys == numerics::kE4M3MaximumRun && factor <= kMostRoundedFactor;
  expect_near_reference(got.view(), want.view(), c.values, rounds_offsets);
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
inline Tensor int8_attention_of(MemorySpace& memory, const test::HeadData& data, DType values,
                                Int8AttentionKernel kernel = int8_attention) {
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
  kernel({.q = q.view().as<int8_t>(),
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
                                        DType values = DType::kF16,
                                        Int8AttentionKernel kernel = int8_attention) {
  SCOPED_TRACE(testing::Message() << regime.name << ", " << values << " values, " << queries
                                  << " queries, " << keys << " keys, seed " << seed);
  const test::HeadData data = test::make_head(regime, queries, keys, seed);
  std::vector<int64_t> sample;
  for (int64_t query = 0; query < queries; query += (queries + 23) / 24) sample.push_back(query);

  const Tensor got = int8_attention_of(memory, data, values, kernel);

  const auto want = test::exact_attention(data.q, data.k, data.v, sample);
  EXPECT_LT(test::relative_l1(got, want, sample),
            values == DType::kF16 ? regime.most_error : regime.most_error_e4m3);
}

// Keys that are all alike weigh 448 each, and every value is the largest of its channel but for the
// rows of the mean: the output is the average of the values, up to `error` of it. A multiple of 16
// keys.
inline void expect_average_of_equal_keys(MemorySpace& memory, int64_t keys, float error,
                                         Int8AttentionKernel kernel = int8_attention) {
  test::HeadData data{.q = Tensor(DType::kF32, {3, 128}),
                      .k = Tensor(DType::kF32, {keys, 128}),
                      .v = Tensor(DType::kF32, {keys, 128})};
  for (float& value : data.q.values<float>()) value = 1;
  for (float& value : data.k.values<float>()) value = 2;
  for (int64_t at = 0; at < keys * 128; ++at) {
    data.v.view().as<float>()[at] = at / 128 % ops::kInt8MeanStride == 0 ? 0.0f : 3.0f;
  }

  const Tensor got = int8_attention_of(memory, data, DType::kF8E4M3, kernel);

  for (int64_t at = 0; at < 3 * 128; ++at) {
    // 60 of each 64 values: 60,480, of which f16 keeps 11 bits.
    EXPECT_NEAR(got.view().as<float>()[at], 3.0f * 15 / 16, 3.0f * error) << "at " << at;
  }
}

}  // namespace reel::cuda
