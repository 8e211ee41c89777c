// SPDX-License-Identifier: Apache-2.0
// ggml's blocks of 256 values: Q6_K, Q5_K, Q4_K, Q3_K, Q2_K. See ggml_blocks.h.
#pragma once

#include <cstdint>

#include "core/numerics/ggml_codes.h"
#include "core/numerics/host_device.h"

namespace reel::numerics {

// Value `index` of 256 codes of two bits. A chunk of 128 values lies in 32 bytes; every byte
// holds four values that are 32 apart.
REEL_HOST_DEVICE inline int two_bits(const uint8_t* codes, int index) {
  return (codes[32 * (index / 128) + index % 32] >> (2 * (index % 128 / 32))) & 3;
}

REEL_HOST_DEVICE inline void put_two_bits(uint8_t* codes, int index, int code) {
  uint8_t& byte = codes[32 * (index / 128) + index % 32];
  if (index % 128 < 32) byte = 0;
  byte = static_cast<uint8_t>(byte | code << (2 * (index % 128 / 32)));
}

// Q2_K, 84 bytes: 16 bytes of scale (low nibble) and minimum (high nibble), 64 bytes of codes,
// f16 d, f16 dmin; w = d scale q - dmin minimum, in groups of 16.
REEL_HOST_DEVICE inline void dequantise_q2_k(const uint8_t* block, int begin, float* out) {
  const int group = begin / 16;
  const float step = read_f16(block + 80) * static_cast<float>(block[group] & 15);
  const float minimum = read_f16(block + 82) * static_cast<float>(block[group] >> 4);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = step * static_cast<float>(two_bits(block + 16, begin + at)) - minimum;
  }
}

REEL_HOST_DEVICE inline void quantise_q2_k(const float* values, uint8_t* block) {
  float steps[16];
  float minima[16];
  for (int group = 0; group < 16; ++group) {
    const Extremes range = extremes_of(values, 16 * group, 16 * group + 16);
    minima[group] = range.least < 0 ? -range.least : 0;
    steps[group] = range.most + minima[group] > 0 ? (range.most + minima[group]) / 3 : 0;
  }
  const float d = write_f16(block + 80, largest_of(steps, 16) / 15);
  const float dmin = write_f16(block + 82, largest_of(minima, 16) / 15);
  for (int group = 0; group < 16; ++group) {
    const int scale = code_of(steps[group], d, 0, 15);
    const int minimum = code_of(minima[group], dmin, 0, 15);
    block[group] = static_cast<uint8_t>(scale | minimum << 4);
    for (int index = 16 * group; index < 16 * group + 16; ++index) {
      const float above = values[index] + dmin * static_cast<float>(minimum);
      put_two_bits(block + 16, index, code_of(above, d * static_cast<float>(scale), 0, 3));
    }
  }
}

// Scale `group` of Q3_K, -32 to 31: four low bits in eight bytes, two high bits in four.
REEL_HOST_DEVICE inline int q3_k_scale(const uint8_t* scales, int group) {
  const int low = (scales[group % 8] >> (4 * (group / 8))) & 15;
  const int high = (scales[8 + group % 4] >> (2 * (group / 4))) & 3;
  return (low | high << 4) - 32;
}

REEL_HOST_DEVICE inline void put_q3_k_scale(uint8_t* scales, int group, int scale) {
  const int code = scale + 32;
  uint8_t& low = scales[group % 8];
  uint8_t& high = scales[8 + group % 4];
  low = static_cast<uint8_t>((group < 8 ? 0 : low) | (code & 15) << (4 * (group / 8)));
  high = static_cast<uint8_t>((group < 4 ? 0 : high) | (code >> 4) << (2 * (group / 4)));
}

// Q3_K, 110 bytes: 32 bytes of third bits, 64 bytes of low codes, 12 bytes of scales, f16 d;
// w = d scale (q - 4), in groups of 16.
REEL_HOST_DEVICE inline void dequantise_q3_k(const uint8_t* block, int begin, float* out) {
  const float step = read_f16(block + 108) * static_cast<float>(q3_k_scale(block + 96, begin / 16));
  for (int at = 0; at < kDecodedRun; ++at) {
    const int index = begin + at;
    const int high = (block[index % 32] >> (index / 32)) & 1;
    out[at] = step * static_cast<float>(two_bits(block + 32, index) + 4 * high - 4);
  }
}

REEL_HOST_DEVICE inline void quantise_q3_k(const float* values, uint8_t* block) {
  float steps[16];
  float largest = 0;
  for (int group = 0; group < 16; ++group) {
    steps[group] = extremes_of(values, 16 * group, 16 * group + 16).furthest / -4;
    if (magnitude(steps[group]) > largest) largest = magnitude(steps[group]);
  }
  const float d = write_f16(block + 108, largest / 31);
  for (int index = 0; index < 32; ++index) block[index] = 0;
  for (int group = 0; group < 16; ++group) {
    const int scale = code_of(steps[group], d, -32, 31);
    put_q3_k_scale(block + 96, group, scale);
    for (int index = 16 * group; index < 16 * group + 16; ++index) {
      const int code = code_of(values[index], d * static_cast<float>(scale), -4, 3) + 4;
      put_two_bits(block + 32, index, code & 3);
      block[index % 32] = static_cast<uint8_t>(block[index % 32] | (code >> 2) << (index / 32));
    }
  }
}

// Scale and minimum of one of the eight groups of Q4_K and Q5_K, 0 to 63 each, in twelve bytes.
struct ScaleAndMinimum {
  int scale;
  int minimum;
};

REEL_HOST_DEVICE inline ScaleAndMinimum scale_and_minimum(const uint8_t* packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4,
          (packed[group + 4] >> 4) | (packed[group] >> 6) << 4};
}

// Groups in rising order.
REEL_HOST_DEVICE inline void put_scale_and_minimum(uint8_t* packed, int group,
                                                   ScaleAndMinimum pair) {
  if (group < 4) {
    packed[group] = static_cast<uint8_t>(pair.scale);
    packed[group + 4] = static_cast<uint8_t>(pair.minimum);
    return;
  }
  packed[group + 4] = static_cast<uint8_t>((pair.scale & 15) | (pair.minimum & 15) << 4);
  packed[group - 4] = static_cast<uint8_t>(packed[group - 4] | (pair.scale >> 4) << 6);
  packed[group] = static_cast<uint8_t>(packed[group] | (pair.minimum >> 4) << 6);
}

// Value `index` of 256 nibbles. A chunk of 64 values lies in 32 bytes: low nibbles, then high.
REEL_HOST_DEVICE inline int k_nibble(const uint8_t* codes, int index) {
  return (codes[32 * (index / 64) + index % 32] >> (4 * (index % 64 / 32))) & 15;
}

REEL_HOST_DEVICE inline void put_k_nibble(uint8_t* codes, int index, int code) {
  uint8_t& byte = codes[32 * (index / 64) + index % 32];
  byte = static_cast<uint8_t>(index % 64 < 32 ? code : byte | code << 4);
}

// Q4_K, 144 bytes: f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of nibbles;
// w = d scale q - dmin minimum, in groups of 32.
REEL_HOST_DEVICE inline void dequantise_q4_k(const uint8_t* block, int begin, float* out) {
  const ScaleAndMinimum pair = scale_and_minimum(block + 4, begin / 32);
  const float step = read_f16(block) * static_cast<float>(pair.scale);
  const float minimum = read_f16(block + 2) * static_cast<float>(pair.minimum);
  for (int at = 0; at < kDecodedRun; ++at) {
    out[at] = step * static_cast<float>(k_nibble(block + 16, begin + at)) - minimum;
  }
}

// Q5_K, 176 bytes: as Q4_K with 32 bytes of fifth bits after the scales.
REEL_HOST_DEVICE inline void dequantise_q5_k(const uint8_t* block, int begin, float* out) {
  const ScaleAndMinimum pair = scale_and_minimum(block + 4, begin / 32);
  const float step = read_f16(block) * static_cast<float>(pair.scale);
  const float minimum = read_f16(block + 2) * static_cast<float>(pair.minimum);
  for (int at = 0; at < kDecodedRun; ++at) {
    const int index = begin + at;
    const int high = (block[16 + index % 32] >> (index / 32)) & 1;
    out[at] = step * static_cast<float>(k_nibble(block + 48, index) | high << 4) - minimum;
  }
}

// Fills d, dmin, scales and minima of Q4_K and Q5_K; answers the codes, 0 to `most`.
REEL_HOST_DEVICE inline void quantise_with_minima(const float* values, int most, uint8_t* block,
                                                  uint8_t* codes) {
  float steps[8];
  float minima[8];
  for (int group = 0; group < 8; ++group) {
    const Extremes range = extremes_of(values, 32 * group, 32 * group + 32);
    minima[group] = range.least < 0 ? -range.least : 0;
    const float width = range.most + minima[group];
    steps[group] = width > 0 ? width / static_cast<float>(most) : 0;
  }
  const float d = write_f16(block, largest_of(steps, 8) / 63);
  const float dmin = write_f16(block + 2, largest_of(minima, 8) / 63);
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMinimum pair = {code_of(steps[group], d, 0, 63),
                                  code_of(minima[group], dmin, 0, 63)};
    put_scale_and_minimum(block + 4, group, pair);
    for (int index = 32 * group; index < 32 * group + 32; ++index) {
      const float above = values[index] + dmin * static_cast<float>(pair.minimum);
      codes[index] =
          static_cast<uint8_t>(code_of(above, d * static_cast<float>(pair.scale), 0, most));
    }
  }
}

REEL_HOST_DEVICE inline void quantise_q4_k(const float* values, uint8_t* block) {
  uint8_t codes[kLargeBlock];
  quantise_with_minima(values, 15, block, codes);
  for (int index = 0; index < kLargeBlock; ++index) put_k_nibble(block + 16, index, codes[index]);
}

REEL_HOST_DEVICE inline void quantise_q5_k(const float* values, uint8_t* block) {
  uint8_t codes[kLargeBlock];
  quantise_with_minima(values, 31, block, codes);
  for (int index = 0; index < 32; ++index) block[16 + index] = 0;
  for (int index = 0; index < kLargeBlock; ++index) {
    put_k_nibble(block + 48, index, codes[index] & 15);
    uint8_t& high = block[16 + index % 32];
    high = static_cast<uint8_t>(high | (codes[index] >> 4) << (index / 32));
  }
}

// Q6_K, 210 bytes: 128 bytes of low nibbles, 64 bytes of two high bits, 16 x i8 scales, f16 d;
// w = d scale (q - 32), in groups of 16. A chunk of 128 values has 64 bytes of nibbles: the
// low ones are its first 64 values.
REEL_HOST_DEVICE inline void dequantise_q6_k(const uint8_t* block, int begin, float* out) {
  const auto scale = static_cast<int8_t>(block[192 + begin / 16]);
  const float step = read_f16(block + 208) * static_cast<float>(scale);
  for (int at = 0; at < kDecodedRun; ++at) {
    const int index = begin + at;
    const int in_chunk = index % 128;
    const int low = (block[64 * (index / 128) + in_chunk % 64] >> (4 * (in_chunk / 64))) & 15;
    out[at] = step * static_cast<float>((low | two_bits(block + 128, index) << 4) - 32);
  }
}

REEL_HOST_DEVICE inline void quantise_q6_k(const float* values, uint8_t* block) {
  float steps[16];
  float largest = 0;
  for (int group = 0; group < 16; ++group) {
    steps[group] = extremes_of(values, 16 * group, 16 * group + 16).furthest / -32;
    if (magnitude(steps[group]) > largest) largest = magnitude(steps[group]);
  }
  const float d = write_f16(block + 208, largest / 127);
  for (int group = 0; group < 16; ++group) {
    const int scale = code_of(steps[group], d, -128, 127);
    block[192 + group] = static_cast<uint8_t>(scale);
    for (int index = 16 * group; index < 16 * group + 16; ++index) {
      const int code = code_of(values[index], d * static_cast<float>(scale), -32, 31) + 32;
      const int in_chunk = index % 128;
      uint8_t& low = block[64 * (index / 128) + in_chunk % 64];
      low = static_cast<uint8_t>(in_chunk < 64 ? code & 15 : low | (code & 15) << 4);
      put_two_bits(block + 128, index, code >> 4);
    }
  }
}

}  // namespace reel::numerics
