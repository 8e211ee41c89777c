// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <span>

#include "backends/cpu/backend.h"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"
#include "ops/int8_attention.h"
#include "ops/norm.h"
#include "support/logit_regimes.h"
#include "support/random_tensor.h"

namespace reel::ops {
namespace {

using test::poisoned_tensor;
using test::random_tensor;
using test::value_at;

struct Setup {
  Arena arena{"test"};
  StopFlag stop;
  Context ctx{.kernels = cpu::reference_kernels(), .arena = arena, .stop = stop};
};

// Every head of every row; a second time, and it is as before.
void rotate_heads(const Tensor& x) {
  const std::span<float> all = x.values<float>();
  for (size_t at = 0; at < all.size(); at += kInt8HeadDim) numerics::rotate_block(&all[at]);
}

// A norm that leaves a row of `heads` heads as it is.
struct NoNorm {
  Tensor sum_squares, weight;

  NoNorm(int64_t rows, int64_t heads)
      : sum_squares(DType::kF32, {rows, heads}), weight(DType::kF32, {heads * kInt8HeadDim}) {
    for (float& sum : sum_squares.values<float>()) sum = kInt8HeadDim;
    for (float& factor : weight.values<float>()) factor = 1;
  }
  QkNorm get() const {
    return {.sum_squares = sum_squares, .weight = weight, .eps = 0, .rope = {}};
  }
};

Tensor int8_attention_of(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                         int64_t heads, DType values = DType::kF16) {
  Scratch scratch{ctx};
  const NoNorm q_norm(q.shape()[0], heads);
  const NoNorm k_norm(k.shape()[0], heads);
  const Int8Keys keys = make_int8_keys(scratch, k.shape()[0], heads, values);
  Tensor out = poisoned_tensor(q.shape(), q.dtype());
  quantise_keys(ctx, k, k_norm.get(), keys);
  prepare_values(ctx, v, keys);
  int8_attention(ctx, q, q_norm.get(), keys, 1 / std::sqrt(float{kInt8HeadDim}), out);
  return out;
}

// Of 8-bit attention, against exact attention, in relative L1 over all queries.
double error_of(Context& ctx, const test::HeadData& head, DType values = DType::kF16) {
  std::vector<int64_t> all(static_cast<size_t>(head.q.shape()[0]));
  std::iota(all.begin(), all.end(), 0);
  const Tensor got = int8_attention_of(ctx, head.q, head.k, head.v, 1, values);
  const std::vector<double> want = test::exact_attention(head.q, head.k, head.v, all);
  const double error = test::relative_l1(got, want, all);
  testing::Test::RecordProperty("relative_l1", std::to_string(error));
  return error;
}

class Regimes : public testing::TestWithParam<test::LogitRegime>, protected Setup {};
INSTANTIATE_TEST_SUITE_P(All, Regimes, testing::ValuesIn(test::kLogitRegimes),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(Regimes, Int8AttentionIsNearExactAttention) {
  EXPECT_LT(error_of(ctx, test::make_head(GetParam(), 48, 8192, 7)), GetParam().most_error);
}

TEST_P(Regimes, E4M3ValuesAreAsNearAsPublished) {
  EXPECT_LT(error_of(ctx, test::make_head(GetParam(), 24, 32768, 7), DType::kF8E4M3),
            GetParam().most_error_e4m3);
}

struct Int8Reference : testing::Test, Setup {};

TEST_F(Int8Reference, ALoudChannelDoesNotSpoilTheOthers) {
  // Channel 77 of keys is 30 times as loud as the others, without a mean, and that of queries as
  // much quieter: rounded as they are, the other channels' products are coarser and this is 0.11.
  const test::HeadData head = test::make_head(test::kLogitRegimes[2], 48, 1024, 7);
  const std::span<float> q = head.q.values<float>();
  const std::span<float> k = head.k.values<float>();
  for (size_t at = 77; at < q.size(); at += 128) q[at] /= 30;
  for (size_t at = 77; at < k.size(); at += 128) k[at] *= at / 128 % 2 == 0 ? 30.0f : -30.0f;

  EXPECT_LT(error_of(ctx, head), 0.04);
}

TEST_F(Int8Reference, EachRowOfQueriesHasItsOwnScale) {
  // Once rotated, |y| of row r is at most r + 1, once.
  const Tensor x = random_tensor({3, 128}, DType::kF32, 1, -1, 1);
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t at = 0; at < 128; ++at) x.view().as<float>()[row * 128 + at] *= 0.5f;
    x.view().as<float>()[row * 128 + 5 * row] = -static_cast<float>(row + 1);
  }
  const Tensor given = test::copy_of(x);
  rotate_heads(given);
  const NoNorm norm(3, 1);
  const Tensor numbers = poisoned_tensor({128, 128}, DType::kI8);
  const Tensor scales = poisoned_tensor({128}, DType::kF32);

  ctx.kernels.quantise_queries(
      {.x = given.view().data,
       .dtype = DType::kF32,
       .norm = {norm.sum_squares.view().as<float>(), norm.weight.view().as<float>(), 0, nullptr},
       .numbers = numbers.view().as<int8_t>(),
       .scales = scales.view().as<float>(),
       .rows = 3,
       .heads = 1},
      {});

  for (int64_t row = 0; row < 3; ++row) {
    const float scale = scales.view().as<float>()[row];
    EXPECT_NEAR(scale * 127, row + 1, 1e-6f * (row + 1));
    EXPECT_EQ(numbers.view().as<int8_t>()[row * 128 + 5 * row], -127);
    for (int64_t at = 0; at < 128; ++at) {
      EXPECT_NEAR(scale * numbers.view().as<int8_t>()[row * 128 + at],
                  x.view().as<float>()[row * 128 + at], 0.501f * scale);
    }
  }
  for (int64_t at = 3 * 128; at < 128 * 128; ++at) {
    ASSERT_EQ(numbers.view().as<int8_t>()[at], 0) << "padding at " << at;
  }
}

TEST_F(Int8Reference, KeysOfATileShareScalesByPairs) {
  // 70 keys: a whole tile and six of the next. Key j, once rotated, is all zeros but for one
  // number.
  const Tensor x(DType::kF32, {70, 128});
  for (float& value : x.values<float>()) value = 0;
  for (int64_t key = 1; key < 70; key += 1) {
    if (key % 16 == 0) continue;  // the keys of the mean, which stays zero
    x.view().as<float>()[key * 128 + key % 128] = static_cast<float>(key);
  }
  rotate_heads(x);
  const NoNorm norm(70, 1);
  const Tensor numbers = poisoned_tensor({128, 128}, DType::kI8);
  const Tensor scales = poisoned_tensor({2, 4}, DType::kF32);
  const Tensor mean = poisoned_tensor({128}, DType::kF32);

  ctx.kernels.quantise_keys(
      {.x = x.view().data,
       .dtype = DType::kF32,
       .norm = {norm.sum_squares.view().as<float>(), norm.weight.view().as<float>(), 0, nullptr},
       .numbers = numbers.view().as<int8_t>(),
       .scales = scales.view().as<float>(),
       .mean = mean.view().as<float>(),
       .rows = 70,
       .heads = 1},
      {});

  // The largest key of group g is 56 + 2 g + 1 in the first tile and 64 + 2 g + 1 in the second.
  for (int64_t group = 0; group < 4; ++group) {
    EXPECT_NEAR(scales.view().as<float>()[group] * 127, 57 + 2 * group, 1e-4);
  }
  for (int64_t group = 0; group < 3; ++group) {
    EXPECT_NEAR(scales.view().as<float>()[4 + group] * 127, 65 + 2 * group, 1e-4);
  }
  EXPECT_EQ(numbers.view().as<int8_t>()[63 * 128 + 63], 127);
  EXPECT_EQ(numbers.view().as<int8_t>()[62 * 128 + 62], 125);  // 62 / 63 * 127 = 124.98
}

TEST_F(Int8Reference, QueriesAreNormedLikeRmsNormAndRotated) {
  const int64_t rows = 5;
  const int64_t heads = 3;
  const Tensor x = random_tensor({rows, heads * 128}, DType::kF32, 1, -3, 3);
  const Tensor weight = random_tensor({heads * 128}, DType::kF32, 2, 0.5f, 2);
  const Tensor rope = random_tensor({rows, 64, 2}, DType::kF32, 3);
  const Tensor sums(DType::kF32, {rows, heads});
  for (int64_t at = 0; at < rows * heads; ++at) {
    double sum = 0;
    for (int64_t i = 0; i < 128; ++i) sum += std::pow(x.view().as<float>()[at * 128 + i], 2);
    sums.view().as<float>()[at] = static_cast<float>(sum);
  }
  const Tensor want = poisoned_tensor(x.shape(), DType::kF32);
  rms_norm_rope(ctx, x, weight, 1e-6f, rope, want);
  rotate_heads(want);
  const Tensor numbers = poisoned_tensor({heads, 128, 128}, DType::kI8);
  const Tensor scales = poisoned_tensor({heads, 128}, DType::kF32);

  ctx.kernels.quantise_queries(
      {.x = x.view().data,
       .dtype = DType::kF32,
       .norm = {sums.view().as<float>(), weight.view().as<float>(), 1e-6f, rope.view().as<float>()},
       .numbers = numbers.view().as<int8_t>(),
       .scales = scales.view().as<float>(),
       .rows = rows,
       .heads = heads},
      {});

  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t row = 0; row < rows; ++row) {
      const float scale = scales.view().as<float>()[head * 128 + row];
      for (int64_t at = 0; at < 128; ++at) {
        EXPECT_NEAR(scale * numbers.view().as<int8_t>()[(head * 128 + row) * 128 + at],
                    value_at(want, (row * heads + head) * 128 + at), 0.501f * scale);
      }
    }
  }
}

TEST_F(Int8Reference, ValuesLoseTheirSampledMeanAndGetItBack) {
  // One key: the softmax is 1, so the output is the value, rounded to f16 after its mean, itself.
  const Tensor q = random_tensor({2, 256}, DType::kF32, 1);
  const Tensor k = random_tensor({1, 256}, DType::kF32, 2);
  const Tensor v = random_tensor({1, 256}, DType::kF32, 3, -100, 100);

  const Tensor got = int8_attention_of(ctx, q, k, v, 2);

  for (int64_t at = 0; at < 512; ++at) {
    EXPECT_FLOAT_EQ(value_at(got, at), value_at(v, at % 256));
  }
}

}  // namespace
}  // namespace reel::ops
