// SPDX-License-Identifier: Apache-2.0
// Convolutions on compute capability 9.0, in builds for it (REEL_WITH_WGMMA).
#pragma once

#include "backends/cuda/conv_job.h"
#include "backends/cuda/conv_layout.h"

namespace reel::cuda {

// Whether convolutions of these weights run here, on the current device.
bool fits_conv_wgmma(const ConvLayout& layout);

// f16 or bf16 operands, at least one tap. `few_rows`: tiles of 8 x 16 pixels, 16 x 16 else; the
// bytes are the same.
void conv_wgmma(const ConvJob& job, const ConvVariant& variant, DType dtype, bool few_rows,
                Stream stream);

}  // namespace reel::cuda
