// SPDX-License-Identifier: Apache-2.0
// What ggml_small_blocks.h and ggml_k_blocks.h share: sizes, stored scales, extremes, rounding.
#pragma once

#include <cstdint>

#include "core/numerics/host_device.h"
#include "core/numerics/small_floats.h"

namespace reel::numerics {

constexpr int kSmallBlock = 32;
constexpr int kLargeBlock = 256;
// A dequantise function answers this many neighbours, from a multiple of it on: no scale changes
// within them.
constexpr int kDecodedRun = 8;

REEL_HOST_DEVICE inline float read_f16(const uint8_t* bytes) {
  return f16_to_float(static_cast<uint16_t>(bytes[0] | bytes[1] << 8));
}

// Writes `value` as f16; answers what was written.
REEL_HOST_DEVICE inline float write_f16(uint8_t* bytes, float value) {
  const uint16_t bits = float_to_f16(value);
  bytes[0] = static_cast<uint8_t>(bits & 0xff);
  bytes[1] = static_cast<uint8_t>(bits >> 8);
  return f16_to_float(bits);
}

REEL_HOST_DEVICE inline float magnitude(float value) { return value < 0 ? -value : value; }

// The whole number nearest to value / step within [least, most]; 0, clamped, when step is 0.
REEL_HOST_DEVICE inline int code_of(float value, float step, int least, int most) {
  const float scaled = step == 0 ? 0.0f : value / step;
  if (!(scaled > static_cast<float>(least))) return least;
  if (scaled >= static_cast<float>(most)) return most;
  return static_cast<int>(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);
}

struct Extremes {
  float least;
  float most;
  float furthest;  // from zero, with its sign
};

// Of values[begin] to values[end - 1].
REEL_HOST_DEVICE inline Extremes extremes_of(const float* values, int begin, int end) {
  Extremes found = {values[begin], values[begin], values[begin]};
  for (int index = begin + 1; index < end; ++index) {
    const float value = values[index];
    if (value < found.least) found.least = value;
    if (value > found.most) found.most = value;
    if (magnitude(value) > magnitude(found.furthest)) found.furthest = value;
  }
  return found;
}

// The largest of `count` numbers that are not negative.
REEL_HOST_DEVICE inline float largest_of(const float* values, int count) {
  float largest = 0;
  for (int index = 0; index < count; ++index) {
    if (values[index] > largest) largest = values[index];
  }
  return largest;
}

}  // namespace reel::numerics
