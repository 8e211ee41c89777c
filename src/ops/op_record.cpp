// SPDX-License-Identifier: Apache-2.0
#include "ops/op_record.h"

#include <algorithm>

namespace reel::ops {
namespace {

int64_t bytes_of(DType dtype, int64_t elements) { return storage_bytes(dtype, elements); }

int64_t elements_of(const ConvShape& s) {
  return s.out_channels * s.in_channels * s.taps * s.kernel_rows * s.kernel_cols;
}

OpRecord rows_record(const KernelNames& names, const char* op, DType dtype, int64_t rows,
                     int64_t width, int64_t bytes) {
  return {
      .op = op, .kernel = names.backend, .dtype = dtype, .shape = {rows, width}, .bytes = bytes};
}

OpRecord elements_record(const KernelNames& names, const char* op, DType dtype, int64_t elements,
                         int64_t bytes) {
  return {.op = op, .kernel = names.backend, .dtype = dtype, .shape = {elements}, .bytes = bytes};
}

template <typename Args>
const char* kernel_of(const KernelNames& names, const char* (*which)(const Args&),
                      const Args& args) {
  return which == nullptr ? names.backend : which(args);
}

}  // namespace

OpRecord record_of(const KernelNames& names, const LinearArgs& a) {
  const MatrixView& w = a.weight;
  return {.op = "linear",
          .kernel = kernel_of(names, names.linear, a),
          .dtype = w.dtype,
          .shape = {a.rows, w.in, w.out},
          .bytes = bytes_of(a.x_dtype, a.rows * w.in) + bytes_of(w.dtype, w.in * w.out) +
                   bytes_of(a.out_dtype, a.rows * w.out),
          .flops = 2 * a.rows * w.in * w.out};
}

OpRecord record_of(const KernelNames& names, const PackMatrixArgs& a) {
  return {.op = "pack_matrix",
          .kernel = names.backend,
          .dtype = a.dtype,
          .shape = {a.out, a.in},
          .bytes = 2 * bytes_of(a.dtype, a.out * a.in)};
}

OpRecord record_of(const KernelNames& names, const QuantiseRowsArgs& a) {
  const int64_t elements = a.rows * a.width;
  return rows_record(names, "quantise_rows", a.dtype, a.rows, a.width,
                     bytes_of(a.dtype, elements) + elements);
}

OpRecord record_of(const KernelNames& names, const PrepareRowsArgs& a) {
  const int64_t elements = a.rows * a.width;
  return rows_record(names, "prepare_rows", a.to_dtype, a.rows, a.width,
                     bytes_of(a.from_dtype, elements) + bytes_of(a.to_dtype, elements));
}

OpRecord record_of(const KernelNames& names, const AddDeltaArgs& a) {
  const int64_t elements = a.rows * a.width;
  const bool is_full = a.down == nullptr;
  OpRecord record = rows_record(names, "add_delta", DType::kF32, a.rows, a.width,
                                2 * bytes_of(DType::kF32, elements) +
                                    bytes_of(a.up_dtype, is_full ? elements : a.rows * a.rank) +
                                    (is_full ? 0 : bytes_of(a.down_dtype, a.rank * a.width)));
  if (!is_full) record.flops = 2 * elements * a.rank;
  return record;
}

OpRecord record_of(const KernelNames& names, const AttentionArgs& a) {
  const int64_t rows = 2 * a.queries + 2 * a.keys;
  return {.op = "attention",
          .kernel = kernel_of(names, names.attention, a),
          .dtype = a.dtype,
          .shape = {a.queries, a.keys, a.heads, a.head_dim},
          .bytes = bytes_of(a.dtype, rows * a.heads * a.head_dim),
          .flops = 4 * a.queries * a.keys * a.heads * a.head_dim};
}

OpRecord record_of(const KernelNames& names, const QuantiseQueriesArgs& a) {
  const int64_t width = a.heads * kInt8HeadDim;
  return rows_record(names, "quantise_queries", a.dtype, a.rows, width,
                     bytes_of(a.dtype, a.rows * width) + a.rows * width);
}

OpRecord record_of(const KernelNames& names, const QuantiseKeysArgs& a) {
  const int64_t width = a.heads * kInt8HeadDim;
  return rows_record(names, "quantise_keys", a.dtype, a.rows, width,
                     bytes_of(a.dtype, a.rows * width) + a.rows * width);
}

OpRecord record_of(const KernelNames& names, const PrepareValuesArgs& a) {
  const int64_t width = a.heads * kInt8HeadDim;
  return rows_record(names, "prepare_values", a.dtype, a.rows, width,
                     bytes_of(a.dtype, a.rows * width) + bytes_of(DType::kF16, a.rows * width));
}

OpRecord record_of(const KernelNames& names, const Int8AttentionArgs& a) {
  const int64_t width = a.heads * kInt8HeadDim;
  return {.op = "int8_attention",
          .kernel = kernel_of(names, names.int8_attention, a),
          .dtype = DType::kI8,
          .shape = {a.queries, a.keys, a.heads, kInt8HeadDim},
          .bytes = (a.queries + a.keys) * width + bytes_of(DType::kF16, a.keys * width) +
                   bytes_of(a.dtype, a.queries * width),
          .flops = 4 * a.queries * a.keys * width};
}

OpRecord record_of(const KernelNames& names, const ExpandBiasArgs& a) {
  return rows_record(names, "expand_bias", DType::kF32, a.heads, a.count,
                     bytes_of(DType::kF32, 2 * a.heads * a.count));
}

OpRecord record_of(const KernelNames& names, const LayerNormArgs& a) {
  const int64_t elements = a.rows * a.width;
  return rows_record(names, "layer_norm", a.dtype, a.rows, a.width,
                     bytes_of(DType::kF32, elements) + bytes_of(a.dtype, elements));
}

OpRecord record_of(const KernelNames& names, const RmsNormArgs& a) {
  const int64_t elements = a.rows * a.width;
  return rows_record(names, "rms_norm", a.dtype, a.rows, a.width,
                     bytes_of(a.x_dtype, elements) + bytes_of(a.dtype, elements));
}

OpRecord record_of(const KernelNames& names, const GatedGeluArgs& a) {
  return elements_record(names, "gated_gelu", a.dtype, a.elements,
                         3 * bytes_of(a.dtype, a.elements));
}

OpRecord record_of(const KernelNames& names, const AddArgs& a) {
  return elements_record(names, "add", a.dtype, a.elements, 3 * bytes_of(a.dtype, a.elements));
}

OpRecord record_of(const KernelNames& names, const CastArgs& a) {
  return elements_record(names, "cast", a.dtype, a.elements,
                         bytes_of(a.x_dtype, a.elements) + bytes_of(a.dtype, a.elements));
}

OpRecord record_of(const KernelNames& names, const L2NormArgs& a) {
  const int64_t elements = a.rows * a.width;
  return rows_record(names, "l2_norm", a.dtype, a.rows, a.width,
                     bytes_of(a.x_dtype, elements) + bytes_of(a.dtype, elements));
}

OpRecord record_of(const KernelNames& names, const PackConvArgs& a) {
  const ConvShape& s = a.shape;
  const int64_t elements = elements_of(s);
  return {.op = "pack_conv",
          .kernel = names.backend,
          .dtype = a.dtype,
          .shape = {s.out_channels, s.in_channels, s.taps, s.kernel_rows, s.kernel_cols},
          .bytes = bytes_of(DType::kF32, elements) + bytes_of(a.dtype, elements)};
}

OpRecord record_of(const KernelNames& names, const ConvArgs& a) {
  const ConvShape& s = a.weight.shape;
  const int64_t rows = a.row_end - a.row_begin;
  const int64_t pixels = rows * a.cols;
  const int64_t taps = s.taps - std::count(a.frames, a.frames + s.taps, nullptr);
  const int64_t results = a.residual == nullptr ? 1 : 2;  // the residual is as large as the result
  return {
      .op = "conv",
      .kernel = kernel_of(names, names.conv, a),
      .dtype = a.dtype,
      .shape = {rows, a.cols, s.in_channels, s.out_channels, s.taps, s.kernel_rows},
      .bytes = bytes_of(a.dtype, taps * pixels * s.in_channels) +
               bytes_of(a.dtype, elements_of(s)) +
               results * bytes_of(a.out_dtype, pixels * s.out_channels),
      .flops = 2 * pixels * taps * s.in_channels * s.out_channels * s.kernel_rows * s.kernel_cols};
}

OpRecord record_of(const KernelNames& names, const Upsample2xArgs& a) {
  return rows_record(names, "upsample2x", a.dtype, a.rows, a.cols * a.channels,
                     5 * bytes_of(a.dtype, a.rows * a.cols * a.channels));
}

}  // namespace reel::ops
