// SPDX-License-Identifier: Apache-2.0
// Queries, keys and values of one head as networks have them, from flat to peaky softmaxes, and
// what exact attention makes of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/buffer.h"

namespace reel::test {

// Normal numbers; each query has 32 keys that resemble it, channels of v have means and their own
// spread, and with `outliers` every 16th channel of k has a mean some times its spread.
struct LogitRegime {
  const char* name;
  float query_scale;
  bool outliers;
  // How far 8-bit attention with exact values may be: what an emulation with other random numbers
  // measured on 32,768 keys, in relative L1, and half of it on top.
  double most_error;
  // With e4m3 weights and values: what that emulation measured of SageAttention2++, which takes no
  // mean from the values.
  double most_error_e4m3;
};
inline constexpr LogitRegime kLogitRegimes[] = {
    {.name = "Flat",
     .query_scale = 0.5f,
     .outliers = false,
     .most_error = 0.0003,
     .most_error_e4m3 = 0.0017},
    {.name = "Medium",
     .query_scale = 1.5f,
     .outliers = false,
     .most_error = 0.0071,
     .most_error_e4m3 = 0.0110},
    {.name = "Peaky",
     .query_scale = 3.0f,
     .outliers = false,
     .most_error = 0.0185,
     .most_error_e4m3 = 0.0273},
    {.name = "PeakyWithOutliers",
     .query_scale = 3.0f,
     .outliers = true,
     .most_error = 0.0210,
     .most_error_e4m3 = 0.0276},
};

struct HeadData {
  Tensor q, k, v;  // [rows, 128] f32
};
HeadData make_head(const LogitRegime& regime, int64_t queries, int64_t keys, uint64_t seed);

// softmax(q k^T / sqrt(width)) v of the given queries, in double: [queries.size(), width].
std::vector<double> exact_attention(const TensorView& q, const TensorView& k, const TensorView& v,
                                    std::span<const int64_t> queries);

// sum |got - want| / sum |want|; infinite when a number is not finite. The rows of `got` taken are
// those of `queries`.
double relative_l1(const TensorView& got, std::span<const double> want,
                   std::span<const int64_t> queries);

}  // namespace reel::test
