// SPDX-License-Identifier: Apache-2.0
// The kernels of the CUDA backend, as the entries of ops::Kernels want them. Every launcher returns
// at once; the work runs on the stream, whose handle is a cudaStream_t.
#pragma once

#include "ops/kernels.h"

namespace reel::cuda {

// add_delta.cu
void add_delta(const ops::AddDeltaArgs& args, Stream stream);

// attention.cu
void attention(const ops::AttentionArgs& args, Stream stream);
const char* which_attention(const ops::AttentionArgs& args);
void expand_bias(const ops::ExpandBiasArgs& args, Stream stream);

// conv.cu
const char* which_conv(const ops::ConvArgs& args);
void conv(const ops::ConvArgs& args, Stream stream);
void pack_conv(const ops::PackConvArgs& args, Stream stream);
int64_t packed_conv_bytes(DType dtype, const ConvShape& shape);

// elementwise.cu
void add(const ops::AddArgs& args, Stream stream);
void cast(const ops::CastArgs& args, Stream stream);
void gated_gelu(const ops::GatedGeluArgs& args, Stream stream);
void upsample2x(const ops::Upsample2xArgs& args, Stream stream);

// fp8_linear.cu, half_linear.cu, int8_linear.cu, linear.cu, wgmma_linear.cu: linear() chooses. The
// kernels of the latter are in builds for compute capability 9.0 (REEL_WITH_WGMMA).
bool fits_half_linear(const ops::LinearArgs& args);
void fp8_linear(const ops::LinearArgs& args, Stream stream);
void half_linear(const ops::LinearArgs& args, Stream stream);
void int8_linear(const ops::LinearArgs& args, Stream stream);
void linear(const ops::LinearArgs& args, Stream stream);
const char* which_linear(const ops::LinearArgs& args);
bool fits_wgmma_linear(const ops::LinearArgs& args);
void wgmma_linear(const ops::LinearArgs& args, Stream stream);

// e4m3_attention.cu, int8_attention.cu, wgmma_attention.cu: int8_attention() chooses. The first is
// for e4m3 values and compute capability 8.9 and newer; the last takes both kinds of values and is
// in builds for 9.0 (REEL_WITH_WGMMA).
void int8_attention(const ops::Int8AttentionArgs& args, Stream stream);
const char* which_int8_attention(const ops::Int8AttentionArgs& args);
bool takes_e4m3_values();
void e4m3_attention(const ops::Int8AttentionArgs& args, Stream stream);
// Up to this factor from sums q k to logits in base 2, e4m3_attention() rounds what it takes from
// exponents, which costs less than 2^-11 of a weight. Above, where logits reach hundreds, it does
// not.
inline constexpr float kMostRoundedFactor = 1.0f / 2048;
void mma_sync_attention(const ops::Int8AttentionArgs& args, Stream stream);
bool fits_wgmma_attention(const ops::Int8AttentionArgs& args);
void wgmma_attention(const ops::Int8AttentionArgs& args, Stream stream);

// e4m3_values.cu: the second half of prepare_values(), once args.mean is there.
void quantise_e4m3_values(const ops::PrepareValuesArgs& args, Stream stream);

// f16_values.cu: or e4m3, by the kernel above.
void prepare_values(const ops::PrepareValuesArgs& args, Stream stream);

// int8_heads.cu
void quantise_keys(const ops::QuantiseKeysArgs& args, Stream stream);
void quantise_queries(const ops::QuantiseQueriesArgs& args, Stream stream);

// l2_norm.cu
void l2_norm(const ops::L2NormArgs& args, Stream stream);

// layer_norm.cu
void layer_norm(const ops::LayerNormArgs& args, Stream stream);

// prepare_rows.cu
void prepare_rows(const ops::PrepareRowsArgs& args, Stream stream);

// quantise.cu
void quantise_rows(const ops::QuantiseRowsArgs& args, Stream stream);

// rms_norm.cu
void rms_norm(const ops::RmsNormArgs& args, Stream stream);

}  // namespace reel::cuda
