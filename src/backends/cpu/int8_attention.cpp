// SPDX-License-Identifier: Apache-2.0
// Reference 8-bit attention: what the comments of ops/kernels.h say, one number at a time.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/numerics/e4m3_attention.h"
#include "core/numerics/int8_rotation.h"

namespace reel::cpu::reference {
namespace {

constexpr int64_t kDim = ops::kInt8HeadDim;
constexpr int64_t kTile = ops::kInt8KeyTile;

using HeadRow = std::array<double, kDim>;

// A projection [rows, heads * 128] on its way to queries or keys.
struct Projection {
  const void* x;
  DType dtype;
  const ops::HeadNorm& norm;
  int64_t heads;
};

// rope(norm(x)) of one head of one row.
HeadRow head_row(const Projection& from, int64_t row, int64_t head) {
  const int64_t sums = from.norm.sums_per_row > 0 ? from.norm.sums_per_row : from.heads;
  double sum_squares = 0;
  for (int64_t group = 0; group < sums; ++group) {
    sum_squares += from.norm.sum_squares[row * sums + group];
  }
  const auto width = static_cast<double>(sums * kDim);
  const double inv_rms = 1 / std::sqrt(sum_squares / width + from.norm.eps);
  HeadRow y;
  for (int64_t at = 0; at < kDim; ++at) {
    const int64_t column = head * kDim + at;
    y[static_cast<size_t>(at)] = load(from.x, from.dtype, row * from.heads * kDim + column) *
                                 inv_rms * from.norm.weight[column];
  }
  if (from.norm.rope == nullptr) return y;
  for (size_t at = 0; at < y.size(); at += 2) {
    const float* angle = from.norm.rope + row * kDim + at;
    const double a = y[at];
    const double b = y[at + 1];
    y[at] = a * angle[0] - b * angle[1];
    y[at + 1] = a * angle[1] + b * angle[0];
  }
  return y;
}

// NaN once there was one, which a comparison would pass over.
double larger_magnitude(double magnitude, double x) {
  return std::isnan(magnitude) || std::fabs(x) < magnitude ? magnitude : std::fabs(x);
}

double largest_magnitude(const HeadRow& y) {
  double largest = 0;
  for (const double value : y) largest = larger_magnitude(largest, value);
  return largest;
}

HeadRow rotated(const HeadRow& y) {
  static_assert(kDim == numerics::kRotationBlock);
  std::array<float, kDim> block;
  std::copy(y.begin(), y.end(), block.begin());
  numerics::rotate_block(block.data());
  HeadRow result;
  std::copy(block.begin(), block.end(), result.begin());
  return result;
}

void quantise(const HeadRow& y, float scale, int8_t* numbers) {
  for (const double value : y) {
    *numbers++ = numerics::quantise_int8(static_cast<float>(value), 1.0f / scale);
  }
}

// The mean of make(row) over every 16th row.
template <typename MakeRow>
HeadRow sampled_mean(int64_t rows, const MakeRow& make) {
  HeadRow sum{};
  int64_t count = 0;
  for (int64_t row = 0; row < rows; row += ops::kInt8MeanStride, ++count) {
    const HeadRow y = make(row);
    for (size_t at = 0; at < y.size(); ++at) sum[at] += y[at];
  }
  for (double& value : sum) value /= static_cast<double>(count);
  return sum;
}

HeadRow less_mean(HeadRow y, const float* mean) {
  for (size_t at = 0; at < y.size(); ++at) y[at] -= mean[at];
  return y;
}

// The keys [first, first + 64) of one head, with their four scales.
void quantise_key_tile(const ops::QuantiseKeysArgs& args, int64_t head, int64_t first) {
  const Projection from{args.x, args.dtype, args.norm, args.heads};
  std::array<HeadRow, kTile> tile{};
  std::array<double, ops::kInt8KeyScales> largest{};
  for (int64_t key = 0; key < kTile && first + key < args.rows; ++key) {
    HeadRow& y = tile[static_cast<size_t>(key)];
    y = rotated(less_mean(head_row(from, first + key, head), args.mean + head * kDim));
    double& group = largest[static_cast<size_t>(key % 8 / 2)];
    group = larger_magnitude(group, largest_magnitude(y));
  }
  const int64_t row = head * ops::int8_padded(args.rows) + first;
  float* const scales = args.scales + row / kTile * ops::kInt8KeyScales;
  for (size_t group = 0; group < largest.size(); ++group) {
    scales[group] = numerics::int8_scale(static_cast<float>(largest[group]));
  }
  for (int64_t key = 0; key < kTile; ++key) {
    quantise(tile[static_cast<size_t>(key)], scales[key % 8 / 2],
             args.numbers + (row + key) * kDim);
  }
}

double int8_dot(const int8_t* a, const int8_t* b) {
  int32_t sum = 0;
  for (int64_t at = 0; at < kDim; ++at) sum += int32_t{a[at]} * b[at];
  return sum;
}

// The logits of a query and all keys.
std::vector<double> logits_of(const ops::Int8AttentionArgs& args, int64_t head, int64_t query) {
  const int64_t q_row = head * ops::int8_padded(args.queries) + query;
  const int64_t k_row = head * ops::int8_padded(args.keys);
  const float* const k_scales = args.k_scales + k_row / kTile * ops::kInt8KeyScales;
  std::vector<double> logits(static_cast<size_t>(args.keys));
  for (int64_t key = 0; key < args.keys; ++key) {
    const double k_scale = k_scales[key / kTile * ops::kInt8KeyScales + key % 8 / 2];
    logits[static_cast<size_t>(key)] =
        int8_dot(args.q + q_row * kDim, args.k + (k_row + key) * kDim) * args.q_scales[q_row] *
        k_scale * args.scale;
  }
  return logits;
}

HeadRow mix_f16(const ops::Int8AttentionArgs& args, int64_t head, std::vector<double> weights) {
  const int64_t k_row = head * ops::int8_padded(args.keys);
  const double largest = *std::max_element(weights.begin(), weights.end());
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  HeadRow sum{};
  for (int64_t key = 0; key < args.keys; ++key) {
    const uint16_t* v = args.v + (k_row + key) * kDim;
    for (size_t at = 0; at < sum.size(); ++at) {
      sum[at] += weights[static_cast<size_t>(key)] * numerics::f16_to_float(v[at]);
    }
  }
  for (double& value : sum) value /= total;
  return sum;
}

// Weights rounded to e4m3 below the maximum as it stands after each run of keys. The total is of
// weights before that.
HeadRow mix_e4m3(const ops::Int8AttentionArgs& args, int64_t head,
                 const std::vector<double>& logits, int64_t run_keys) {
  const uint8_t* const values = args.v_e4m3 + head * ops::int8_padded(args.keys) * kDim;
  double largest = -std::numeric_limits<double>::infinity();  // in base 2
  double total = 0;
  HeadRow sum{};
  for (int64_t first = 0; first < args.keys; first += run_keys) {
    const int64_t end = std::min(args.keys, first + run_keys);
    const auto run = logits.begin() + first;
    const double seen = *std::max_element(run, run + (end - first)) * std::numbers::log2e;
    const double now = std::max(largest, seen);
    const double factor = std::exp2(largest - now);
    largest = now;
    total *= factor;
    for (double& value : sum) value *= factor;
    for (int64_t key = first; key < end; ++key) {
      const double weight = std::exp2(logits[static_cast<size_t>(key)] * std::numbers::log2e -
                                      largest + numerics::kE4M3WeightShift);
      total += weight;
      const double rounded =
          numerics::f8_e4m3_to_float(numerics::float_to_f8_e4m3(static_cast<float>(weight)));
      for (int64_t at = 0; at < kDim; ++at) {
        sum[static_cast<size_t>(at)] +=
            rounded * numerics::f8_e4m3_to_float(values[numerics::e4m3_value_at(key, at)]);
      }
    }
  }
  for (int64_t at = 0; at < kDim; ++at) {
    sum[static_cast<size_t>(at)] *= args.v_scales[head * kDim + at] / total;
  }
  return sum;
}

void attend(const ops::Int8AttentionArgs& args, int64_t head, int64_t query, int64_t run_keys) {
  const std::vector<double> logits = logits_of(args, head, query);
  const HeadRow mixed =
      args.v_e4m3 != nullptr ? mix_e4m3(args, head, logits, run_keys) : mix_f16(args, head, logits);
  for (int64_t at = 0; at < kDim; ++at) {
    store(args.out, args.dtype, (query * args.heads + head) * kDim + at,
          mixed[static_cast<size_t>(at)] + args.v_mean[head * kDim + at]);
  }
}

// The values of a head less their mean, one scale a channel; padding becomes zeros.
template <typename ValueRow>
void quantise_values(const ops::PrepareValuesArgs& args, int64_t head, const ValueRow& centred) {
  const int64_t padded = ops::int8_padded(args.rows);
  HeadRow largest{};
  for (int64_t row = 0; row < args.rows; ++row) {
    const HeadRow y = centred(row);
    for (size_t at = 0; at < y.size(); ++at) largest[at] = larger_magnitude(largest[at], y[at]);
  }
  float* const scales = args.scales + head * kDim;
  for (int64_t at = 0; at < kDim; ++at) {
    scales[at] = numerics::e4m3_value_scale(static_cast<float>(largest[static_cast<size_t>(at)]));
  }
  uint8_t* const numbers = args.e4m3 + head * padded * kDim;
  for (int64_t row = 0; row < padded; ++row) {
    const HeadRow y = centred(row);
    for (int64_t at = 0; at < kDim; ++at) {
      numbers[numerics::e4m3_value_at(row, at)] = numerics::float_to_f8_e4m3(
          static_cast<float>(y[static_cast<size_t>(at)]) * (1.0f / scales[at]));
    }
  }
}

}  // namespace

void quantise_queries(const ops::QuantiseQueriesArgs& args, Stream) {
  const Projection from{args.x, args.dtype, args.norm, args.heads};
  const int64_t padded = ops::int8_padded(args.rows);
  parallel_for(args.heads * padded, 64, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t row = at % padded;
      const HeadRow y = row < args.rows ? rotated(head_row(from, row, at / padded)) : HeadRow{};
      args.scales[at] = numerics::int8_scale(static_cast<float>(largest_magnitude(y)));
      quantise(y, args.scales[at], args.numbers + at * kDim);
    }
  });
}

void quantise_keys(const ops::QuantiseKeysArgs& args, Stream) {
  const Projection from{args.x, args.dtype, args.norm, args.heads};
  const int64_t tiles = ops::int8_padded(args.rows) / kTile;
  parallel_for(args.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      const HeadRow mean =
          sampled_mean(args.rows, [&](int64_t row) { return head_row(from, row, head); });
      std::copy(mean.begin(), mean.end(), args.mean + head * kDim);
      for (int64_t tile = 0; tile < tiles; ++tile) quantise_key_tile(args, head, tile * kTile);
    }
  });
}

void prepare_values(const ops::PrepareValuesArgs& args, Stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  parallel_for(args.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      const auto value_row = [&](int64_t row) {
        HeadRow y{};
        for (int64_t at = 0; at < kDim && row < args.rows; ++at) {
          y[static_cast<size_t>(at)] =
              load(args.x, args.dtype, (row * args.heads + head) * kDim + at);
        }
        return y;
      };
      float* const mean = args.mean + head * kDim;
      const HeadRow exact_mean = sampled_mean(args.rows, value_row);
      std::copy(exact_mean.begin(), exact_mean.end(), mean);
      const auto centred = [&](int64_t row) {
        return row < args.rows ? less_mean(value_row(row), mean) : HeadRow{};
      };
      if (args.e4m3 != nullptr) {
        quantise_values(args, head, centred);
        continue;
      }
      for (int64_t row = 0; row < padded; ++row) {
        const HeadRow y = centred(row);
        for (int64_t at = 0; at < kDim; ++at) {
          store(args.numbers, DType::kF16, (head * padded + row) * kDim + at,
                y[static_cast<size_t>(at)]);
        }
      }
    }
  });
}

void int8_attention(const ops::Int8AttentionArgs& args, Stream) {
  int8_attention_in_runs(args, numerics::kE4M3MaximumRun);
}

void int8_attention_in_runs(const ops::Int8AttentionArgs& args, int64_t run_keys) {
  parallel_for(args.queries * args.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      attend(args, at % args.heads, at / args.heads, run_keys);
    }
  });
}

}  // namespace reel::cpu::reference
