// SPDX-License-Identifier: Apache-2.0
// How much a pass computes and moves, and how fast a machine does that.
#pragma once

namespace reel::memory {

// A multiplication and an addition are two operations.
struct Work {
  double int8_ops = 0;       // products with 8-bit matrices
  double wide_ops = 0;       // products in 16 bits or more
  double attention_ops = 0;  // of self-attention over the clip: q k^T and p v
  double conv_ops = 0;
  double f32_ops = 0;        // products outside the matrix units: of LoRAs, while blocks arrive
  double traffic_bytes = 0;  // of the device's memory, outside products and attention

  Work& operator+=(const Work& other) {
    int8_ops += other.int8_ops;
    wide_ops += other.wide_ops;
    attention_ops += other.attention_ops;
    conv_ops += other.conv_ops;
    f32_ops += other.f32_ops;
    traffic_bytes += other.traffic_bytes;
    return *this;
  }
  friend Work operator*(double times, const Work& work) {
    return {.int8_ops = times * work.int8_ops,
            .wide_ops = times * work.wide_ops,
            .attention_ops = times * work.attention_ops,
            .conv_ops = times * work.conv_ops,
            .f32_ops = times * work.f32_ops,
            .traffic_bytes = times * work.traffic_bytes};
  }
};

inline constexpr double kGiga = 1e9;
inline constexpr double kTera = 1e12;

// What a machine sustains, per second.
struct Rates {
  double int8_ops = 0, wide_ops = 0, attention_ops = 0, conv_ops = 0;
  double e4m3_attention_ops = 0;  // in the place of attention_ops with e4m3 values; 0: unknown
  double f32_ops = 0;             // of the card that is assumed: not measured
  double memory_bytes = 0;        // of the device
  double upload_bytes = 0;        // pinned host memory to the device
  double cache_bytes = 0;         // page cache to pinned memory
  double disk_bytes = 0;
};

// A machine's f32_ops may be unknown where there are none.
constexpr double seconds(const Work& work, const Rates& rates) {
  return work.int8_ops / rates.int8_ops + work.wide_ops / rates.wide_ops +
         work.attention_ops / rates.attention_ops + work.conv_ops / rates.conv_ops +
         (work.f32_ops > 0 ? work.f32_ops / rates.f32_ops : 0) +
         work.traffic_bytes / rates.memory_bytes;
}

}  // namespace reel::memory
