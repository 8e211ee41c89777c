// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/conv_job.h"

namespace reel::cuda {

ConvJob conv_job(const ops::ConvArgs& args) {
  const ConvShape& shape = args.weight.shape;
  ConvJob job{.weight = args.weight.data,
              .bias = args.bias,
              .residual = args.residual,
              .out = args.out,
              .rows = static_cast<int>(args.rows),
              .cols = static_cast<int>(args.cols),
              .row_begin = static_cast<int>(args.row_begin),
              .row_end = static_cast<int>(args.row_end),
              .in_channels = static_cast<int>(shape.in_channels),
              .out_channels = static_cast<int>(shape.out_channels),
              .kernel_rows = static_cast<int>(shape.kernel_rows),
              .kernel_cols = static_cast<int>(shape.kernel_cols),
              .relu = args.relu};
  const int kernel_taps = static_cast<int>(shape.taps);
  while (job.first_tap < kernel_taps && args.frames[job.first_tap] == nullptr) ++job.first_tap;
  job.taps = kernel_taps - job.first_tap;
  for (int tap = 0; tap < job.taps; ++tap) job.frames[tap] = args.frames[job.first_tap + tap];
  return job;
}

}  // namespace reel::cuda
