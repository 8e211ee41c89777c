// SPDX-License-Identifier: Apache-2.0
// What 8-bit attention takes, as the readable reference makes it of random heads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "backends/cpu/reference_kernels.h"
#include "ops/kernels.h"
#include "parity/cuda_heads_cases.h"
#include "support/random_tensor.h"

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

// The smallest that a product of a query's and a key's scale is.
inline float smallest_scale(const Int8Problem& problem, int64_t queries) {
  const auto of_queries = problem.q.scales.values<float>();
  const auto of_keys = problem.k.scales.values<float>();
  const auto smallest = [](auto scales) { return *std::min_element(scales.begin(), scales.end()); };
  return smallest(of_queries.first(static_cast<size_t>(queries))) * smallest(of_keys);
}

inline void lengthen_keys(const Int8Problem& problem) {
  const auto scales = problem.k.scales.values<float>();
  const int64_t of_head = problem.k.scales.shape()[1] * ops::kInt8KeyScales;
  for (size_t at = 0; at < scales.size(); ++at) {
    scales[at] *= static_cast<float>(1 + static_cast<int64_t>(at) % of_head / ops::kInt8KeyScales);
  }
}

// The first 32 keys of every 64 become a quarter of what they are: maxima grow in the second 32.
inline void shorten_first_keys(const Int8Problem& problem) {
  const auto numbers = problem.k.numbers.values<int8_t>();
  constexpr size_t kTile = ops::kInt8KeyTile * ops::kInt8HeadDim;
  for (size_t at = 0; at < numbers.size(); ++at) {
    if (at % kTile < kTile / 2) numbers[at] = static_cast<int8_t>(numbers[at] / 4);
  }
}

// Every second pair of keys becomes its neighbours', written as half the numbers with twice the
// scale: their weights are equal, whatever the logits.
inline void tie_keys(const Int8Problem& problem) {
  const auto numbers = problem.k.numbers.values<int8_t>();
  constexpr size_t kPair = 2 * 128;
  for (size_t at = 0; at < numbers.size(); at += 4 * kPair) {
    for (size_t in_pair = at; in_pair < at + kPair; ++in_pair) {
      numbers[in_pair] = static_cast<int8_t>(numbers[in_pair] / 2 * 2);
      numbers[in_pair + kPair] = static_cast<int8_t>(numbers[in_pair] / 2);
    }
  }
  const auto scales = problem.k.scales.values<float>();
  for (size_t at = 0; at < scales.size(); at += ops::kInt8KeyScales)
    scales[at + 1] = 2 * scales[at];
}

}  // namespace reel::cuda
