// SPDX-License-Identifier: Apache-2.0
// Reference norms.
#include <algorithm>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {
namespace {

void layer_norm_row(const ops::LayerNormArgs& args, int64_t row) {
  const float* x = args.x + row * args.width;
  double mean = 0;
  for (int64_t col = 0; col < args.width; ++col) mean += x[col];
  mean /= static_cast<double>(args.width);
  double variance = 0;
  for (int64_t col = 0; col < args.width; ++col) variance += (x[col] - mean) * (x[col] - mean);
  variance /= static_cast<double>(args.width);
  const double inv_deviation = 1 / std::sqrt(variance + args.eps);
  const auto normalised = [&](int64_t col) {
    const double scale = double{args.scale_offset} + args.scale[col];
    return (x[col] - mean) * inv_deviation * scale + args.shift[col];
  };
  if (has_row_scales(args.dtype)) {
    std::vector<float> y(static_cast<size_t>(args.width));
    for (int64_t col = 0; col < args.width; ++col) {
      y[static_cast<size_t>(col)] = static_cast<float>(normalised(col));
    }
    const int64_t start = row * args.width;
    args.out_scale[row] = args.dtype == DType::kI8
                              ? quantise_row(y, static_cast<int8_t*>(args.out) + start)
                              : quantise_row_e4m3(y, static_cast<uint8_t*>(args.out) + start);
    return;
  }
  for (int64_t col = 0; col < args.width; ++col) {
    store(args.out, args.dtype, row * args.width + col, normalised(col));
  }
}

void rms_norm_row(const ops::RmsNormArgs& args, int64_t row) {
  const int64_t start = row * args.width;
  double sum_squares = 0;
  for (int64_t col = 0; col < args.width; ++col) {
    const double x = load(args.x, args.x_dtype, start + col);
    sum_squares += x * x;
  }
  const double inv_rms = 1 / std::sqrt(sum_squares / static_cast<double>(args.width) + args.eps);
  const auto normalised = [&](int64_t col) {
    return load(args.x, args.x_dtype, start + col) * inv_rms * args.weight[col];
  };
  if (args.rope == nullptr) {
    for (int64_t col = 0; col < args.width; ++col) {
      store(args.out, args.dtype, start + col, normalised(col));
    }
    return;
  }
  for (int64_t col = 0; col < args.width; col += 2) {
    const float* angle = args.rope + row * args.head_dim + col % args.head_dim;
    const double a = normalised(col);
    const double b = normalised(col + 1);
    store(args.out, args.dtype, start + col, a * angle[0] - b * angle[1]);
    store(args.out, args.dtype, start + col + 1, a * angle[1] + b * angle[0]);
  }
}

void l2_norm_row(const ops::L2NormArgs& args, int64_t row) {
  const int64_t start = row * args.width;
  double sum_squares = 0;
  for (int64_t col = 0; col < args.width; ++col) {
    const double x = load(args.x, args.x_dtype, start + col);
    sum_squares += x * x;
  }
  const double factor =
      std::sqrt(static_cast<double>(args.width)) / std::max(std::sqrt(sum_squares), 1e-12);
  for (int64_t col = 0; col < args.width; ++col) {
    const double y = load(args.x, args.x_dtype, start + col) * factor * args.gamma[col];
    store(args.out, args.dtype, start + col, args.silu ? silu(y) : y);
  }
}

}  // namespace

void layer_norm(const ops::LayerNormArgs& args, Stream) {
  parallel_for(args.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) layer_norm_row(args, row);
  });
}

void rms_norm(const ops::RmsNormArgs& args, Stream) {
  parallel_for(args.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) rms_norm_row(args, row);
  });
}

void l2_norm(const ops::L2NormArgs& args, Stream) {
  parallel_for(args.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) l2_norm_row(args, row);
  });
}

}  // namespace reel::cpu::reference
