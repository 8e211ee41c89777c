// SPDX-License-Identifier: Apache-2.0
// Ops on single elements.
#pragma once

#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {

// out = gelu_tanh(gate) * up. All of one shape and dtype; out may be gate or up.
void gated_gelu(Context& ctx, const TensorView& gate, const TensorView& up, const TensorView& out);

// out = a + b. All of one shape and dtype; out may be a or b.
void add(Context& ctx, const TensorView& a, const TensorView& b, const TensorView& out);

// Copies x to out, rounding once when out is smaller. f32 and bf16.
void cast(Context& ctx, const TensorView& x, const TensorView& out);

}  // namespace reel::ops
