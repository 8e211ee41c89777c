// SPDX-License-Identifier: Apache-2.0
// The numbers of a tensor: random ones, which depend on nothing but a seed, a name and a position,
// or those of another checkpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace reel::synth {

// offset + amplitude * u, u uniform in [-1, 1).
struct ValueRule {
  uint64_t stream = 0;
  float amplitude = 0;
  float offset = 0;
};

// FNV-1a, 64 bits.
uint64_t stream_of(std::string_view name);

// out[i] = the number at position first + i.
//
// Numerics: u is an integer of 24 bits times 2^-23, from word (position % 4) of Philox4x32-10 at
// counter position / 4; the product and the sum are rounded to f32 one after the other. Stored
// files and golden numbers rely on these bits.
void fill_values(uint64_t seed, const ValueRule& rule, int64_t first, std::span<float> out);

// The numbers of one tensor, in the order of its elements.
class TensorValues {
 public:
  virtual ~TensorValues() = default;
  // out[i] = the number at position first + i. Called by several threads at once.
  virtual void fill(int64_t first, std::span<float> out) const = 0;
};
using TensorValuesPtr = std::shared_ptr<const TensorValues>;  // plans are copied

TensorValuesPtr random_values(uint64_t seed, const ValueRule& rule);

}  // namespace reel::synth
