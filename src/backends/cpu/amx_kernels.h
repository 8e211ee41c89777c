// SPDX-License-Identifier: Apache-2.0
// bf16 products and attention on the matrix unit. Contracts: ops/kernels.h. Only where
// usable_isa() is kAmx.
#pragma once

#include "ops/kernels.h"

namespace reel::cpu::amx {

// Of bf16 matrices.
int64_t packed_matrix_bytes(int64_t out, int64_t in);
void pack_matrix(const ops::PackMatrixArgs& args);
void linear(const ops::LinearArgs& args);

bool can_attend(const ops::AttentionArgs& args);
void attention(const ops::AttentionArgs& args);

}  // namespace reel::cpu::amx
