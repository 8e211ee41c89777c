// SPDX-License-Identifier: Apache-2.0
// The oneDNN kernels, one file per op family. Contracts: ops/kernels.h.
#pragma once

#include <unordered_map>

#include "backends/cpu/backend.h"
#include "backends/cpu/vector_kernels.h"
#include "ops/kernels.h"

namespace reel::cpu::onednn {

int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in);
void pack_matrix(const ops::PackMatrixArgs& args, Stream);
int64_t packed_int8_bytes(int64_t out, int64_t in);
void pack_int8(const ops::PackMatrixArgs& args, Stream);
int64_t packed_fp8_bytes(int64_t out, int64_t in);
void pack_fp8(const ops::PackMatrixArgs& args, Stream);
void fp8_linear(const ops::LinearArgs& args, Stream);
void quantise_rows(const ops::QuantiseRowsArgs& args, Stream);
void int8_linear(const ops::LinearArgs& args, Stream);
const char* which_int8_linear();
void linear(const ops::LinearArgs& args, Stream);
const char* which_linear(const ops::LinearArgs& args);
void attention(const ops::AttentionArgs& args, Stream);
const char* which_attention(const ops::AttentionArgs& args);
int64_t packed_conv_bytes(DType dtype, const ConvShape& shape);
void pack_conv(const ops::PackConvArgs& args, Stream);
void conv(const ops::ConvArgs& args, Stream);
const char* which_conv(const ops::ConvArgs& args);

}  // namespace reel::cpu::onednn
