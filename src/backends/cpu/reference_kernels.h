// SPDX-License-Identifier: Apache-2.0
// The reference kernels, one file per op family. Contracts: ops/kernels.h.
#pragma once

#include <span>

#include "ops/kernels.h"

namespace reel::cpu::reference {

// What both products end in: bias, epilogue, one rounding at the store.
void store_epilogue(const ops::LinearArgs& args, int64_t row, int64_t column, double product);
// args.sum_squares from the stored numbers, where it is asked for.
void fill_sum_squares(const ops::LinearArgs& args);
// Rotates `row` (overwritten) and quantises it; returns its scale.
float quantise_row(std::span<float> row, int8_t* out);
// Quantises `row` to the bits of e4m3 numbers; returns its scale.
float quantise_row_e4m3(std::span<const float> row, uint8_t* out);
void quantise_rows(const ops::QuantiseRowsArgs& args, Stream);
void prepare_rows(const ops::PrepareRowsArgs& args, Stream);
void add_delta(const ops::AddDeltaArgs& args, Stream);
void int8_linear(const ops::LinearArgs& args, Stream);
void fp8_linear(const ops::LinearArgs& args);
void linear(const ops::LinearArgs& args, Stream);
int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in);
void pack_matrix(const ops::PackMatrixArgs& args, Stream);
void attention(const ops::AttentionArgs& args, Stream);
void expand_bias(const ops::ExpandBiasArgs& args, Stream);
void quantise_queries(const ops::QuantiseQueriesArgs& args, Stream);
void quantise_keys(const ops::QuantiseKeysArgs& args, Stream);
void prepare_values(const ops::PrepareValuesArgs& args, Stream);
void int8_attention(const ops::Int8AttentionArgs& args, Stream);
// With e4m3 values, maxima are followed after every `run_keys` keys, of which a kernel may look at
// more at once than numerics::kE4M3MaximumRun: its weights are then rounded otherwise.
void int8_attention_in_runs(const ops::Int8AttentionArgs& args, int64_t run_keys);
void layer_norm(const ops::LayerNormArgs& args, Stream);
void rms_norm(const ops::RmsNormArgs& args, Stream);
void l2_norm(const ops::L2NormArgs& args, Stream);
void gated_gelu(const ops::GatedGeluArgs& args, Stream);
void add(const ops::AddArgs& args, Stream);
void cast(const ops::CastArgs& args, Stream);
int64_t packed_conv_bytes(DType dtype, const ConvShape& shape);
void pack_conv(const ops::PackConvArgs& args, Stream);
void conv(const ops::ConvArgs& args, Stream);
void upsample2x(const ops::Upsample2xArgs& args, Stream);

}  // namespace reel::cpu::reference
