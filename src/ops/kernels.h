// SPDX-License-Identifier: Apache-2.0
// The contract between ops/ and a backend: one entry per kernel, nothing else.
//
// A backend fills this table; ops/ checks the arguments and calls through it. An entry may stay
// null: the op then fails with kUnsupported and names the backend. Kernels never validate and
// never synchronise. Sizes are in elements unless the name says otherwise; "dtype" without a
// prefix is that of every untyped pointer of the struct.
#pragma once

#include <cstdint>

#include "core/packed_weights.h"
#include "core/tensor.h"

namespace reel::ops {

// What happens to y = x W^T + bias before it is stored.
enum class Epilogue : uint8_t {
  kStore,     // out = y
  kGeluTanh,  // out = gelu_tanh(y)
  kSilu,      // out = silu(y)
  kAdd,       // out += y                     out is f32
  kGatedAdd,  // out += gate[column] * y      out is f32
};

struct LinearArgs {
  const void* x;  // [rows, weight.in] x_dtype
  DType x_dtype;
  MatrixView weight;
  const float* bias;  // [weight.out], or null
  const float* gate;  // [weight.out] for kGatedAdd
  void* out;          // [rows, weight.out] out_dtype
  DType out_dtype;
  int64_t rows;
  Epilogue epilogue;
};

struct PackMatrixArgs {
  const void* from;        // [out, in] dtype, row-major
  DType dtype;             // kF32, kBF16 or kI8, also that of the result
  const float* row_scale;  // [out] for kI8, rotated rows: core/numerics/int8_rotation.h; else null
  int64_t out;
  int64_t in;
  void* to;  // packed_matrix_bytes() of memory
};

struct AttentionArgs {
  const void* q;  // [queries, heads, head_dim], rows q_stride apart
  const void* k;  // [keys, heads, head_dim], rows k_stride apart
  const void* v;  // [keys, heads, head_dim], rows v_stride apart
  void* out;      // [queries, heads, head_dim], rows out_stride apart
  DType dtype;
  int64_t queries, keys, heads, head_dim;
  int64_t q_stride, k_stride, v_stride, out_stride;
  float scale;            // multiplies q.k
  const float* key_bias;  // [keys] added to the logits, or null
  // Added to the logit of (head, query, key): relative_bias[head * relative_stride + key - query
  // + queries - 1]. Null for none.
  const float* relative_bias;
  int64_t relative_stride;
};

struct LayerNormArgs {
  const float* x;      // [rows, width]
  const float* scale;  // [width]
  const float* shift;  // [width]
  float scale_offset;  // out = norm(x) * (scale_offset + scale) + shift
  float eps;
  void* out;  // [rows, width] dtype
  DType dtype;
  int64_t rows, width;
};

struct RmsNormArgs {
  const void* x;  // [rows, width] x_dtype
  DType x_dtype;
  const float* weight;  // [width]
  float eps;
  // Rotates pairs (2p, 2p+1) of every head after the norm; null for none.
  const float* rope;  // [rows, head_dim / 2, 2]: cos, sin
  int64_t head_dim;   // 0 without rope
  void* out;          // [rows, width] dtype, may be x when the dtypes agree
  DType dtype;
  int64_t rows, width;
};

// out = gelu_tanh(gate) * up
struct GatedGeluArgs {
  const void* gate;
  const void* up;
  void* out;  // may be gate or up
  DType dtype;
  int64_t elements;
};

// out = a + b
struct AddArgs {
  const void* a;
  const void* b;
  void* out;  // may be a or b
  DType dtype;
  int64_t elements;
};

// Copies between dtypes (f32 <-> bf16), rounding once.
struct CastArgs {
  const void* x;
  DType x_dtype;
  void* out;
  DType dtype;
  int64_t elements;
};

// out = x / max(|x|, 1e-12) * sqrt(width) * gamma, then SiLU if asked. |x| over the last axis.
struct L2NormArgs {
  const void* x;
  DType x_dtype;
  const float* gamma;  // [width]
  bool silu;
  void* out;  // may be x when the dtypes agree
  DType dtype;
  int64_t rows, width;
};

struct PackConvArgs {
  const float* from;  // [out, in, taps, kernel_rows, kernel_cols]
  ConvShape shape;
  DType dtype;  // of the result
  void* to;     // packed_conv_bytes() of memory
};

struct ConvArgs {
  static constexpr int kMostTaps = 3;
  const void* frames[kMostTaps];  // oldest first, [rows, cols, in_channels]; null is zeros
  void* out;                      // [rows, cols, out_channels]
  const void* residual;           // as out, added to it; may be out or null
  ConvView weight;
  const float* bias;  // [out_channels], or null
  DType dtype;        // of frames and weight
  DType out_dtype;    // of out and residual
  int64_t rows, cols;
  int64_t row_begin, row_end;  // the rows of out to compute
};

// out[2r + a, 2c + b, :] = x[r, c, :] for a, b in {0, 1}.
struct Upsample2xArgs {
  const void* x;  // [rows, cols, channels]
  void* out;      // [2 rows, 2 cols, channels]
  DType dtype;
  int64_t rows, cols, channels;
};

struct Kernels {
  const char* backend = "";
  void (*linear)(const LinearArgs&, Stream) = nullptr;
  int64_t (*packed_matrix_bytes)(DType dtype, int64_t out, int64_t in) = nullptr;
  void (*pack_matrix)(const PackMatrixArgs&, Stream) = nullptr;
  void (*attention)(const AttentionArgs&, Stream) = nullptr;
  void (*layer_norm)(const LayerNormArgs&, Stream) = nullptr;
  void (*rms_norm)(const RmsNormArgs&, Stream) = nullptr;
  void (*gated_gelu)(const GatedGeluArgs&, Stream) = nullptr;
  void (*add)(const AddArgs&, Stream) = nullptr;
  void (*cast)(const CastArgs&, Stream) = nullptr;
  void (*l2_norm)(const L2NormArgs&, Stream) = nullptr;
  int64_t (*packed_conv_bytes)(DType dtype, const ConvShape&) = nullptr;
  void (*pack_conv)(const PackConvArgs&, Stream) = nullptr;
  void (*conv)(const ConvArgs&, Stream) = nullptr;
  void (*upsample2x)(const Upsample2xArgs&, Stream) = nullptr;
};

}  // namespace reel::ops
