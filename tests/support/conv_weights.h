// SPDX-License-Identifier: Apache-2.0
// Convolution weights in the orders that checkpoints store them in.
#pragma once

#include <cstring>

#include "core/buffer.h"
#include "core/packed_weights.h"

namespace reel::test {

// The numbers of `weight` [out, in, taps, rows, cols] f32 as [out, taps, in, rows, cols], the last
// tap first. Written out, so that it shares nothing with conv_order().
inline Tensor newest_first(const Tensor& weight, const ConvShape& s) {
  const int64_t window = s.kernel_rows * s.kernel_cols;
  Tensor to(DType::kF32, {s.out_channels, s.taps * s.in_channels, s.kernel_rows, s.kernel_cols});
  float* at = to.view().as<float>();
  const auto* const from = weight.view().as<float>();
  for (int64_t out = 0; out < s.out_channels; ++out) {
    for (int64_t tap = s.taps; tap-- > 0;) {
      for (int64_t in = 0; in < s.in_channels; ++in, at += window) {
        std::memcpy(at, from + ((out * s.in_channels + in) * s.taps + tap) * window,
                    static_cast<size_t>(window) * sizeof(float));
      }
    }
  }
  return to;
}

}  // namespace reel::test
