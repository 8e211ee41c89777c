// SPDX-License-Identifier: Apache-2.0
// Normalisation ops.
#pragma once

#include "core/tensor.h"
#include "ops/operand.h"

namespace reel::ops {

// out = (x - mean) / sqrt(variance + eps) * (1 + scale) + shift, over the last axis.
//
//   x             [rows, width]  f32
//   scale, shift  [width]        f32
//   out           [rows, width]  f32, f16 or bf16; or quantised row by row: i8 (rotated), f8_e4m3
//
// Numerics: biased variance, f32, one rounding at the store.
void layer_norm_modulate(Context& ctx, const TensorView& x, const TensorView& scale,
                         const TensorView& shift, float eps, const Operand& out);

// The same with out = norm(x) * weight + bias.
void layer_norm(Context& ctx, const TensorView& x, const TensorView& weight, const TensorView& bias,
                float eps, const Operand& out);

// out = x / sqrt(mean(x^2) + eps) * weight, over the last axis.
//
//   x       [rows, width]  f32 or bf16
//   weight  [width]        f32
//   out     [rows, width]  f32 or bf16, may be x
//
// Source: Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4.
void rms_norm(Context& ctx, const TensorView& x, const TensorView& weight, float eps,
              const TensorView& out);

// rms_norm over the whole width, then rotates the adjacent pairs of every head.
//
//   rope  [rows, head_dim / 2, 2]  f32: cos, sin of each pair's angle
//
// Source: Su et al. 2021, arXiv:2104.09864; Wan 2.1 normalises before it splits heads.
void rms_norm_rope(Context& ctx, const TensorView& x, const TensorView& weight, float eps,
                   const TensorView& rope, const TensorView& out);

// out = x / max(|x|, 1e-12) * sqrt(channels) * gamma over the last axis, then SiLU if asked.
//
//   x       [..., channels]  f32 or bf16
//   out     [..., channels]  as x, or bf16 where x is f32; may be x when the dtypes agree
//   gamma   [channels]       f32
//
// Source: Wan 2.1, wan/modules/vae.py, class RMS_norm: an L2 norm, not a mean square.
void l2_norm(Context& ctx, const TensorView& x, const TensorView& gamma, bool silu,
             const TensorView& out);

}  // namespace reel::ops
