// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/kernel_table.h"

#include "backends/cuda/gpu.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"
#include "core/int8_layout.h"

namespace reel::cuda {
namespace {

// Rows stay as they are: ops::PrepareRowsArgs.
int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in) {
  const int64_t numbers = storage_bytes(dtype, out * in);
  if (!has_row_scales(dtype)) return numbers;
  return scales_offset_bytes(numbers) + storage_bytes(DType::kF32, out);
}

// A program for 8.9 runs on 9.0 too, but multiplies e4m3 as f16 there, slower than with f16 values.
bool is_made_for_e4m3_values() {
#ifndef REEL_WITH_WGMMA
  constexpr int kHopper = 90;
  if (compute_capability() == kHopper) return false;
#endif
  return takes_e4m3_values();
}

}  // namespace

const ops::Kernels& kernel_table() {
  static const ops::Kernels table{
      .backend = "cuda",
      .most_flops_per_call = kMostFlopsPerCall,
      .which_linear = which_linear,
      .which_attention = which_attention,
      .which_int8_attention = which_int8_attention,
      .which_conv = which_conv,
      .takes_e4m3_values = is_made_for_e4m3_values,
      .linear = linear,
      .packed_matrix_bytes = packed_matrix_bytes,
      .quantise_rows = quantise_rows,
      .prepare_rows = prepare_rows,
      .add_delta = add_delta,
      .attention = attention,
      .quantise_queries = quantise_queries,
      .quantise_keys = quantise_keys,
      .prepare_values = prepare_values,
      .int8_attention = int8_attention,
      .expand_bias = expand_bias,
      .layer_norm = layer_norm,
      .rms_norm = rms_norm,
      .gated_gelu = gated_gelu,
      .add = add,
      .cast = cast,
      .l2_norm = l2_norm,
      .packed_conv_bytes = packed_conv_bytes,
      .pack_conv = pack_conv,
      .conv = conv,
      .upsample2x = upsample2x,
  };
  return table;
}

}  // namespace reel::cuda
