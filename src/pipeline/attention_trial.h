// SPDX-License-Identifier: Apache-2.0
// 8-bit attention on random numbers, to see whether a card computes it right.
#pragma once

#include <vector>

#include "ops/context.h"
#include "pipeline/random_data.h"

namespace reel::pipeline {

// A result on the host, of f32, f16 or bf16.
std::vector<float> download_floats(ops::Context& ctx, const TensorView& x);

// Self-attention in 8 bits of `rows` random rows of `heads` heads, in the precision of the context.
TensorView attend_to_random_rows(ops::Context& ctx, RandomData& data, int64_t rows, int64_t heads);

// How far 8-bit attention with e4m3 values is from the same with f16 values, relative_error() of
// one call each. Takes about a MiB of the context's memory for the time.
double fp8_values_error(const ops::Context& ctx);
// Two roundings to 3 bits of mantissa are 3 to 4e-2 apart; a kernel that is wrong on this card, or
// sums with fewer bits than are published, is further away.
inline constexpr double kMostFp8ValuesError = 8e-2;

}  // namespace reel::pipeline
