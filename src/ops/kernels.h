// SPDX-License-Identifier: Apache-2.0
// The contract between ops/ and a backend: one entry per kernel, nothing else.
//
// A backend fills this table; ops/ checks the arguments and calls through it. An entry may stay
// null: the op then fails with kUnsupported and names the backend. Kernels never validate and
// never synchronise. Sizes are in elements unless the name says otherwise; "dtype" without a
// prefix is that of every untyped pointer of the struct.
#pragma once

#include <cstdint>
#include <functional>

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
  const void* x;  // [rows, weight.in] x_dtype; the weight's if and only if that has row scales
  DType x_dtype;
  const float* x_scale;  // [rows] where x_dtype has row scales, else null
  MatrixView weight;
  const float* bias;  // [weight.out], or null
  const float* gate;  // [weight.out] for kGatedAdd
  void* out;          // [rows, weight.out] out_dtype
  DType out_dtype;
  int64_t rows;
  Epilogue epilogue;
  // Of the stored numbers: sum_squares[row, g] is the sum of squares of columns [128 g, 128 g +
  // 128). Null for none; weight.out is then a multiple of 128.
  float* sum_squares;
};

// Rows with a scale each: rotated INT8 (core/numerics/int8_rotation.h) or e4m3
// (core/numerics/e4m3_rows.h). The width is a multiple of scaled_row_step(to_dtype).
struct QuantiseRowsArgs {
  const void* x;  // [rows, width] dtype
  DType dtype;
  DType to_dtype = DType::kI8;  // or kF8E4M3
  void* out;                    // [rows, width] to_dtype
  float* scales;                // [rows]
  int64_t rows, width;
};

// Stored numbers to what a packed matrix [rows, width] holds where it is plainly row-major (the
// reference and CUDA): numbers of to_dtype, and for 8 bits the row scales behind them, as
// packed_matrix_bytes() counts. Any row is made from that row alone. e4m3 of e4m3 keeps the stored
// numbers and their scales; a row without one gets 1.
struct PrepareRowsArgs {
  const void* from;  // [rows, width] from_dtype, which may be a block format
  DType from_dtype;
  const void* scale;  // scale_count numbers of scale_dtype that multiply: 0, 1, or one per row
  DType scale_dtype;
  int64_t scale_count;
  int64_t rows, width;
  DType to_dtype;  // kF32, kF16, kBF16, kF8E4M3, or kI8, which rotates
  void* to;        // may be `from` when both dtypes have one byte
  // [rows] for 8 bits that are rows of a longer matrix; null: behind the numbers.
  float* to_scale = nullptr;
};

// x += factor * up down, or x += factor * up where there is no `down`. An element's product is
// summed over the rank in f32, in order, before the factor: any row is made from that row alone.
struct AddDeltaArgs {
  float* x;          // [rows, width]
  const void* up;    // [rows, rank] up_dtype; [rows, width] without `down`
  DType up_dtype;    // kF32, kF16 or kBF16, as down_dtype
  const void* down;  // [rank, width] down_dtype, or null
  DType down_dtype;
  int64_t rank;
  int64_t rows, width;
  float factor;
};

struct PackMatrixArgs {
  const void* from;        // [out, in] dtype, row-major
  DType dtype;             // kF32, kBF16, kI8 (rotated) or kF8E4M3, also that of the result
  const float* row_scale;  // [out] where the dtype has row scales, else null
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
  void* out;  // [rows, width] dtype; i8: rotated rows, e4m3: with a scale each
  DType dtype;
  float* out_scale;  // [rows] where dtype has row scales, else null
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

// What is left to do after a projection to queries or keys: the RMS norm over its whole width,
// whose sums the product's epilogue made, and the rotation of adjacent pairs. The width is that of
// the sums, 128 times sums_per_row: x may hold some of a row's heads only.
struct HeadNorm {
  const float* sum_squares;  // [rows, sums_per_row], as LinearArgs::sum_squares
  const float* weight;       // [width]
  float eps;
  const float* rope;         // [rows, 64, 2]: cos, sin; null for none
  int64_t sums_per_row = 0;  // 0: one for each head of x
};

// 8-bit attention works on heads of 128 with rows padded to a multiple of kInt8RowTile: padding
// rows hold zeros and are masked. Source of the scheme: Zhang et al. 2024, arXiv:2411.10958
// (SageAttention2): INT8 q k^T, keys less their mean. Queries and keys are rotated before
// (core/numerics/int8_rotation.h): q k^T stays, and large channels spoil the others no more.
constexpr int64_t kInt8HeadDim = 128;
constexpr int64_t kInt8RowTile = 128;
constexpr int64_t kInt8KeyTile = 64;
// Keys of a tile share four scales: key j uses scale (j % 8) / 2.
constexpr int64_t kInt8KeyScales = 4;
// Every 16th row is taken for the mean of keys and values, from row 0 on.
constexpr int64_t kInt8MeanStride = 16;
constexpr int64_t int8_padded(int64_t rows) {
  return (rows + kInt8RowTile - 1) / kInt8RowTile * kInt8RowTile;
}

// numbers = round(y / scale), y = rope(norm(x)) rotated, one scale = max|y| / 127 per row and
// head.
struct QuantiseQueriesArgs {
  const void* x;  // [rows, heads * 128] dtype
  DType dtype;
  HeadNorm norm;
  int8_t* numbers;  // [heads, padded rows, 128]
  float* scales;    // [heads, padded rows]
  int64_t rows, heads;
};

// The same of rope(norm(x)) - mean, with four scales a tile of 64 keys. The mean, over every 16th
// row, is the same vector for all keys: it shifts all logits of a query alike and leaves the
// softmax as is.
struct QuantiseKeysArgs {
  const void* x;  // [rows, heads * 128] dtype
  DType dtype;
  HeadNorm norm;
  int8_t* numbers;  // [heads, padded rows, 128]
  float* scales;    // [heads, padded rows / 64, 4]
  float* mean;      // [heads, 128] scratch
  int64_t rows, heads;
};

// numbers = v - mean in f16, the mean being that of every 16th row; or e4m3 = (v - mean) / scale
// with one scale = max|v - mean| / 2.25 per channel (core/numerics/e4m3_attention.h).
struct PrepareValuesArgs {
  const void* x;  // [rows, heads * 128] dtype
  DType dtype;
  uint16_t* numbers;  // [heads, padded rows, 128] f16; null for e4m3
  float* mean;        // [heads, 128]
  int64_t rows, heads;
  uint8_t* e4m3 = nullptr;  // [heads, padded rows * 128] in the order of e4m3_value_at(); or null
  float* scales = nullptr;  // [heads, 128], with e4m3
};

// out = softmax(scale * q k^T) v + mean of v, for each head. With e4m3 values the weights are
// rounded to e4m3, too: core/numerics/e4m3_attention.h.
struct Int8AttentionArgs {
  const int8_t* q;        // [heads, padded queries, 128]
  const float* q_scales;  // [heads, padded queries]
  const int8_t* k;        // [heads, padded keys, 128]
  const float* k_scales;  // [heads, padded keys / 64, 4]
  const uint16_t* v;      // [heads, padded keys, 128] f16; null for e4m3
  const float* v_mean;    // [heads, 128]
  void* out;              // [queries, heads * 128] dtype
  DType dtype;
  int64_t queries, keys, heads;
  float scale;
  const uint8_t* v_e4m3 = nullptr;  // as PrepareValuesArgs has them; or null
  const float* v_scales = nullptr;  // [heads, 128], with v_e4m3
};

// out[head, at] = table[bucket[at], head]
struct ExpandBiasArgs {
  const float* table;     // [buckets, heads]
  const int32_t* bucket;  // [count]
  float* out;             // [heads, count]
  int64_t count, heads;
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

// Copies between f32, f16 and bf16, rounding once.
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
  const float* from;  // where the backend computes, ordered as conv_order() says
  ConvShape shape;
  DType dtype;  // of the result
  void* to;     // packed_conv_bytes() of memory
  bool newest_first = false;
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
  bool relu = false;           // of the sum, residual included; NaN stays NaN
};

// out[2r + a, 2c + b, :] = x[r, c, :] for a, b in {0, 1}.
struct Upsample2xArgs {
  const void* x;  // [rows, cols, channels]
  void* out;      // [2 rows, 2 cols, channels]
  DType dtype;
  int64_t rows, cols, channels;
};

// May carry a state, which ops/observed_kernels.h makes use of.
template <typename Args>
using Kernel = std::function<void(const Args&, Stream)>;

struct Kernels {
  const char* backend = "";
  // An op larger than this is cut into several calls, with a look at the stop flag between them.
  int64_t most_flops_per_call = int64_t{4} << 30;
  // For reports: which kernel an entry would run. Null where there is but one.
  const char* (*which_linear)(const LinearArgs&) = nullptr;
  const char* (*which_attention)(const AttentionArgs&) = nullptr;
  const char* (*which_int8_attention)(const Int8AttentionArgs&) = nullptr;
  const char* (*which_conv)(const ConvArgs&) = nullptr;
  // Whether int8_attention takes e4m3 values on the device in use. Null where it always does.
  bool (*takes_e4m3_values)() = nullptr;
  Kernel<LinearArgs> linear;
  int64_t (*packed_matrix_bytes)(DType dtype, int64_t out, int64_t in) = nullptr;
  Kernel<PackMatrixArgs> pack_matrix;
  Kernel<QuantiseRowsArgs> quantise_rows;
  Kernel<PrepareRowsArgs> prepare_rows;
  Kernel<AddDeltaArgs> add_delta;
  Kernel<AttentionArgs> attention;
  Kernel<QuantiseQueriesArgs> quantise_queries;
  Kernel<QuantiseKeysArgs> quantise_keys;
  Kernel<PrepareValuesArgs> prepare_values;
  Kernel<Int8AttentionArgs> int8_attention;
  Kernel<ExpandBiasArgs> expand_bias;
  Kernel<LayerNormArgs> layer_norm;
  Kernel<RmsNormArgs> rms_norm;
  Kernel<GatedGeluArgs> gated_gelu;
  Kernel<AddArgs> add;
  Kernel<CastArgs> cast;
  Kernel<L2NormArgs> l2_norm;
  int64_t (*packed_conv_bytes)(DType dtype, const ConvShape&) = nullptr;
  Kernel<PackConvArgs> pack_conv;
  Kernel<ConvArgs> conv;
  Kernel<Upsample2xArgs> upsample2x;
};

}  // namespace reel::ops
