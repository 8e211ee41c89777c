// SPDX-License-Identifier: Apache-2.0
// ggml's blocks of 32 values: Q8_0, Q5_1, Q5_0, Q4_1, Q4_0. See ggml_blocks.h.
#pragma once

#include <cstdint>

#include "core/numerics/ggml_codes.h"
#include "core/numerics/host_device.h"

namespace reel::numerics {

// Q8_0, 34 bytes: f16 d, 32 x i8; w = d q.
REEL_HOST_DEVICE inline void dequantise_q8_0(const uint8_t* block, int begin, float* out) {
  const float d = read_f16(block);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = d * static_cast<float>(static_cast<int8_t>(block[2 + begin + at]));
  }
}

REEL_HOST_DEVICE inline void quantise_q8_0(const float* values, uint8_t* block) {
  const float d = write_f16(block, magnitude(extremes_of(values, 0, kSmallBlock).furthest) / 127);
  for (int index = 0; index < kSmallBlock; ++index) {
    block[2 + index] = static_cast<uint8_t>(code_of(values[index], d, -127, 127));
  }
}

// Value `index` of 32 codes of four bits: low nibbles first, then the high ones.
REEL_HOST_DEVICE inline int nibble(const uint8_t* codes, int index) {
  return index < 16 ? codes[index] & 15 : codes[index - 16] >> 4;
}

REEL_HOST_DEVICE inline void put_nibble(uint8_t* codes, int index, int code) {
  if (index < 16) {
    codes[index] = static_cast<uint8_t>(code);
  } else {
    codes[index - 16] = static_cast<uint8_t>(codes[index - 16] | code << 4);
  }
}

// Q4_0, 18 bytes: f16 d, 16 bytes of nibbles; w = d (q - 8).
REEL_HOST_DEVICE inline void dequantise_q4_0(const uint8_t* block, int begin, float* out) {
  const float d = read_f16(block);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = d * static_cast<float>(nibble(block + 2, begin + at) - 8);
  }
}

REEL_HOST_DEVICE inline void quantise_q4_0(const float* values, uint8_t* block) {
  const float d = write_f16(block, extremes_of(values, 0, kSmallBlock).furthest / -8);
  for (int index = 0; index < kSmallBlock; ++index) {
    put_nibble(block + 2, index, code_of(values[index], d, -8, 7) + 8);
  }
}

// Q4_1, 20 bytes: f16 d, f16 m, 16 bytes of nibbles; w = d q + m.
REEL_HOST_DEVICE inline void dequantise_q4_1(const uint8_t* block, int begin, float* out) {
  const float d = read_f16(block);
  const float m = read_f16(block + 2);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = d * static_cast<float>(nibble(block + 4, begin + at)) + m;
  }
}

REEL_HOST_DEVICE inline void quantise_q4_1(const float* values, uint8_t* block) {
  const Extremes range = extremes_of(values, 0, kSmallBlock);
  const float d = write_f16(block, (range.most - range.least) / 15);
  const float m = write_f16(block + 2, range.least);
  for (int index = 0; index < kSmallBlock; ++index) {
    put_nibble(block + 4, index, code_of(values[index] - m, d, 0, 15));
  }
}

// Value `index` of 32 codes of five bits: the fifth bits in four bytes, then the nibbles.
REEL_HOST_DEVICE inline int five_bits(const uint8_t* codes, int index) {
  return nibble(codes + 4, index) | ((codes[index / 8] >> (index % 8)) & 1) << 4;
}

REEL_HOST_DEVICE inline void put_five_bits(uint8_t* codes, int index, int code) {
  put_nibble(codes + 4, index, code & 15);
  if (index % 8 == 0) codes[index / 8] = 0;
  codes[index / 8] = static_cast<uint8_t>(codes[index / 8] | (code >> 4) << (index % 8));
}

// Q5_0, 22 bytes: f16 d, codes of five bits; w = d (q - 16).
REEL_HOST_DEVICE inline void dequantise_q5_0(const uint8_t* block, int begin, float* out) {
  const float d = read_f16(block);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = d * static_cast<float>(five_bits(block + 2, begin + at) - 16);
  }
}

REEL_HOST_DEVICE inline void quantise_q5_0(const float* values, uint8_t* block) {
  const float d = write_f16(block, extremes_of(values, 0, kSmallBlock).furthest / -16);
  for (int index = 0; index < kSmallBlock; ++index) {
    put_five_bits(block + 2, index, code_of(values[index], d, -16, 15) + 16);
  }
}

// Q5_1, 24 bytes: f16 d, f16 m, codes of five bits; w = d q + m.
REEL_HOST_DEVICE inline void dequantise_q5_1(const uint8_t* block, int begin, float* out) {
  const float d = read_f16(block);
  const float m = read_f16(block + 2);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = d * static_cast<float>(five_bits(block + 4, begin + at)) + m;
  }
}

REEL_HOST_DEVICE inline void quantise_q5_1(const float* values, uint8_t* block) {
  const Extremes range = extremes_of(values, 0, kSmallBlock);
  const float d = write_f16(block, (range.most - range.least) / 31);
  const float m = write_f16(block + 2, range.least);
  for (int index = 0; index < kSmallBlock; ++index) {
    put_five_bits(block + 4, index, code_of(values[index] - m, d, 0, 31));
  }
}

}  // namespace reel::numerics
