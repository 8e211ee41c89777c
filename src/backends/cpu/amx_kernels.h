// SPDX-License-Identifier: Apache-2.0
// bf16 and INT8 products, bf16 convolutions and attention on the matrix unit, and the norm between
// convolutions. Contracts: ops/kernels.h. Only where usable_isa() is kAmx.
#pragma once

#include "ops/kernels.h"

namespace reel::cpu::amx {

// Of kBF16 and kI8 matrices; the numbers alone, without the row scales of kI8.
int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in);
void pack_matrix(const ops::PackMatrixArgs& args);
void linear(const ops::LinearArgs& args);

// Of kBF16 weights and frames.
int64_t packed_conv_bytes(const ConvShape& shape);
void pack_conv(const ops::PackConvArgs& args);
void conv(const ops::ConvArgs& args);

bool can_attend(const ops::AttentionArgs& args);
void attention(const ops::AttentionArgs& args);

void l2_norm(const ops::L2NormArgs& args);

}  // namespace reel::cpu::amx
