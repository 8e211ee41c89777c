// SPDX-License-Identifier: Apache-2.0
#include "support/logit_regimes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/parallel.h"
#include "support/random_tensor.h"

namespace reel::test {
namespace {

constexpr int64_t kWidth = 128;
constexpr int kAlikeKeys = 32;

void attend(const TensorView& q, const TensorView& k, const TensorView& v, int64_t query,
            double* out) {
  const int64_t width = q.width();
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  std::vector<double> weights(static_cast<size_t>(k.rows()));
  for (int64_t key = 0; key < k.rows(); ++key) {
    double sum = 0;
    for (int64_t at = 0; at < width; ++at) {
      sum += double{value_at(q, query * width + at)} * value_at(k, key * width + at);
    }
    weights[static_cast<size_t>(key)] = sum * scale;
  }
  const double largest = *std::max_element(weights.begin(), weights.end());
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  std::fill(out, out + width, 0);
  for (int64_t key = 0; key < k.rows(); ++key) {
    const double weight = weights[static_cast<size_t>(key)] / total;
    for (int64_t at = 0; at < width; ++at) out[at] += weight * value_at(v, key * width + at);
  }
}

}  // namespace

HeadData make_head(const LogitRegime& regime, int64_t queries, int64_t keys, uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<float> normal;
  HeadData head{.q = Tensor(DType::kF32, {queries, kWidth}),
                .k = Tensor(DType::kF32, {keys, kWidth}),
                .v = Tensor(DType::kF32, {keys, kWidth})};
  float k_mean[kWidth];
  float v_spread[kWidth];
  float v_mean[kWidth];
  for (int64_t at = 0; at < kWidth; ++at) {
    const float spread = !regime.outliers ? 0.0f : at % 16 == 3 ? 8.0f : 0.5f;
    k_mean[at] = spread * normal(bits);
    v_spread[at] = std::exp(0.5f * normal(bits));
    v_mean[at] = 0.3f * normal(bits);
  }
  float* const q = head.q.view().as<float>();
  float* const k = head.k.view().as<float>();
  float* const v = head.v.view().as<float>();
  for (int64_t at = 0; at < queries * kWidth; ++at) q[at] = regime.query_scale * normal(bits);
  for (int64_t at = 0; at < keys * kWidth; ++at) {
    k[at] = normal(bits) + k_mean[at % kWidth];
    v[at] = v_spread[at % kWidth] * (normal(bits) + v_mean[at % kWidth]);
  }
  for (int64_t query = 0; query < queries; ++query) {
    for (int alike = 0; alike < kAlikeKeys; ++alike) {
      const auto key = static_cast<int64_t>(bits() % static_cast<uint64_t>(keys));
      for (int64_t at = 0; at < kWidth; ++at) {
        k[key * kWidth + at] += 0.35f * q[query * kWidth + at] / regime.query_scale;
      }
    }
  }
  return head;
}

std::vector<double> exact_attention(const TensorView& q, const TensorView& k, const TensorView& v,
                                    std::span<const int64_t> queries) {
  std::vector<double> out(queries.size() * static_cast<size_t>(q.width()));
  parallel_for(static_cast<int64_t>(queries.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      attend(q, k, v, queries[static_cast<size_t>(at)], out.data() + at * q.width());
    }
  });
  return out;
}

double relative_l1(const TensorView& got, std::span<const double> want,
                   std::span<const int64_t> queries) {
  double difference = 0;
  double size = 0;
  for (size_t row = 0; row < queries.size(); ++row) {
    for (int64_t at = 0; at < got.width(); ++at) {
      const double expected =
          want[row * static_cast<size_t>(got.width()) + static_cast<size_t>(at)];
      const double value = value_at(got, queries[row] * got.width() + at);
      if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
      difference += std::fabs(value - expected);
      size += std::fabs(expected);
    }
  }
  return difference / size;
}

}  // namespace reel::test
