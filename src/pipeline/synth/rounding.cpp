// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/rounding.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "core/block_formats.h"
#include "core/numerics/small_floats.h"
#include "pipeline/synth/vector_clones.h"

namespace reel::synth {
namespace {

using numerics::bits_of;
using numerics::float_of;

constexpr float kLargestF8 = 448;
constexpr float kLargestI8 = 127;

// numerics::float_to_f8_e4m3 without branches, for finite numbers.
inline uint8_t to_f8(float value) {
  const uint32_t bits = bits_of(value);
  const uint32_t limited = std::min(bits & 0x7fffffffu, 0x43e00000u);  // 448
  const uint32_t packed = limited - (120u << 23);
  const uint32_t normal = (packed + 0x7ffffu + ((packed >> 20) & 1u)) >> 20;
  // Below 2^-6 numbers are 2^-9 apart, as they are next to 2^14 in f32.
  const uint32_t small = bits_of(float_of(limited) + 0x1p14f) - bits_of(0x1p14f);
  return static_cast<uint8_t>((bits >> 24 & 0x80u) | (limited < 0x3c800000u ? small : normal));
}

REEL_VECTOR_CLONES float largest(const float* row, int64_t count) {
  uint32_t bits = 0;  // magnitudes are ordered as their bits are
  for (int64_t at = 0; at < count; ++at) bits = std::max(bits, bits_of(row[at]) & 0x7fffffffu);
  return float_of(bits);
}

REEL_VECTOR_CLONES void to_f8_row(const float* row, int64_t count, float scale, uint8_t* out) {
  for (int64_t at = 0; at < count; ++at) out[at] = to_f8(row[at] / scale);
}

REEL_VECTOR_CLONES void to_i8_row(const float* row, int64_t count, float scale, int8_t* out) {
  for (int64_t at = 0; at < count; ++at) {
    const float limited = std::min(std::max(row[at] / scale, -128.0f), 127.0f);
    // Next to 1.5 * 2^23 the numbers of f32 are the whole ones.
    out[at] = static_cast<int8_t>(bits_of(limited + 0x1.8p23f) - bits_of(0x1.8p23f));
  }
}

REEL_VECTOR_CLONES void to_bf16_row(const float* row, int64_t count, uint16_t* out) {
  for (int64_t at = 0; at < count; ++at) {
    const uint32_t bits = bits_of(row[at]);
    out[at] = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
}

}  // namespace

float largest_magnitude(std::span<const float> row) {
  return largest(row.data(), static_cast<int64_t>(row.size()));
}

float scale_of(float largest, float floor, DType dtype) {
  return std::max(largest, floor) / (dtype == DType::kI8 ? kLargestI8 : kLargestF8);
}

void quantise_row(std::span<const float> row, float scale, DType dtype, std::byte* out) {
  const auto count = static_cast<int64_t>(row.size());
  if (dtype == DType::kI8) {
    to_i8_row(row.data(), count, scale, reinterpret_cast<int8_t*>(out));
  } else {
    to_f8_row(row.data(), count, scale, reinterpret_cast<uint8_t*>(out));
  }
}

void round_row(std::span<const float> row, DType dtype, std::byte* out) {
  const auto count = static_cast<int64_t>(row.size());
  if (is_block_format(dtype)) return quantise_blocks(dtype, row.data(), count, out);
  switch (dtype) {
    case DType::kF32: std::memcpy(out, row.data(), row.size_bytes()); return;
    case DType::kBF16: to_bf16_row(row.data(), count, reinterpret_cast<uint16_t*>(out)); return;
    case DType::kF16:
      for (const float value : row) {
        const uint16_t bits = numerics::float_to_f16(value);
        std::memcpy(out, &bits, sizeof bits);
        out += sizeof bits;
      }
      return;
    default: fail(ErrorCode::kInternal, str_cat("Numbers cannot be rounded to ", dtype, '.'));
  }
}

}  // namespace reel::synth
