// SPDX-License-Identifier: Apache-2.0
// The sinusoid that tells the network how noisy its input is.
#pragma once

#include "core/tensor.h"

namespace reel::nn {

// out[k] = cos(t w_k), out[half + k] = sin(t w_k) with w_k = 10000^(-k / half): cosines first.
//
//   timestep  0..1000, not rounded
//   out       [2 * half]  f32, computed in double
//
// Source: Wan 2.1, wan/modules/model.py, sinusoidal_embedding_1d.
void fill_time_sinusoid(double timestep, const TensorView& out);

}  // namespace reel::nn
