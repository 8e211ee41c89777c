// SPDX-License-Identifier: Apache-2.0
// Reference convolution over channels-last frames.
#include <cstring>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {
namespace {

// The weights by position, [taps, kernel_rows, kernel_cols, in_channels, out_channels]: what one
// pixel is multiplied with lies together.
std::vector<float> by_position(const ops::ConvArgs& args) {
  const ConvShape& shape = args.weight.shape;
  const int64_t positions = shape.taps * shape.kernel_rows * shape.kernel_cols;
  const int64_t matrix = shape.in_channels * shape.out_channels;
  std::vector<float> weights(static_cast<size_t>(positions * matrix));
  for (int64_t at = 0; at < positions * matrix; ++at) {
    const int64_t out = at / (shape.in_channels * positions);
    const int64_t in = at / positions % shape.in_channels;
    weights[static_cast<size_t>(at % positions * matrix + in * shape.out_channels + out)] =
        load(args.weight.data, args.weight.dtype, at);
  }
  return weights;
}

// Adds the products of a pixel with the weights of one position to `sums` [out_channels].
void add_position(const ops::ConvArgs& args, int64_t tap, int64_t pixel, const float* weights,
                  std::vector<double>& sums) {
  const ConvShape& shape = args.weight.shape;
  for (int64_t in = 0; in < shape.in_channels; ++in) {
    const double x = load(args.frames[tap], args.dtype, pixel * shape.in_channels + in);
    for (double& sum : sums) sum += x * *weights++;
  }
}

void conv_pixel(const ops::ConvArgs& args, const std::vector<float>& weights, int64_t row,
                int64_t col, std::vector<double>& sums) {
  const ConvShape& shape = args.weight.shape;
  sums.assign(static_cast<size_t>(shape.out_channels), 0.0);
  for (int64_t tap = 0; tap < shape.taps; ++tap) {
    if (args.frames[tap] == nullptr) continue;
    for (int64_t kernel_row = 0; kernel_row < shape.kernel_rows; ++kernel_row) {
      for (int64_t kernel_col = 0; kernel_col < shape.kernel_cols; ++kernel_col) {
        const int64_t from_row = row + kernel_row - shape.kernel_rows / 2;
        const int64_t from_col = col + kernel_col - shape.kernel_cols / 2;
        if (from_row < 0 || from_row >= args.rows || from_col < 0 || from_col >= args.cols)
          continue;
        const int64_t position =
            (tap * shape.kernel_rows + kernel_row) * shape.kernel_cols + kernel_col;
        add_position(args, tap, from_row * args.cols + from_col,
                     weights.data() + position * shape.in_channels * shape.out_channels, sums);
      }
    }
  }
  const int64_t start = (row * args.cols + col) * shape.out_channels;
  for (int64_t out = 0; out < shape.out_channels; ++out) {
    double y = sums[static_cast<size_t>(out)];
    if (args.bias != nullptr) y += args.bias[out];
    if (args.residual != nullptr) y += load(args.residual, args.out_dtype, start + out);
    if (args.relu && y < 0) y = 0;
    store(args.out, args.out_dtype, start + out, y);
  }
}

}  // namespace

int64_t packed_conv_bytes(DType dtype, const ConvShape& shape) {
  return storage_bytes(dtype, shape.out_channels * shape.in_channels * shape.taps *
                                  shape.kernel_rows * shape.kernel_cols);
}

void pack_conv(const ops::PackConvArgs& args, Stream) {
  const ConvShape& shape = args.shape;
  const ConvOrder order = conv_order(shape, args.newest_first);
  int64_t to = 0;
  for (int64_t out = 0; out < shape.out_channels; ++out) {
    for (int64_t in = 0; in < shape.in_channels; ++in) {
      for (int64_t tap = 0; tap < shape.taps; ++tap) {
        const float* const window = args.from + order.at(out, in, tap);
        for (int64_t at = 0; at < shape.kernel_rows * shape.kernel_cols; ++at) {
          store(args.to, args.dtype, to++, window[at]);
        }
      }
    }
  }
}

void conv(const ops::ConvArgs& args, Stream) {
  const std::vector<float> weights = by_position(args);
  const int64_t pixels = (args.row_end - args.row_begin) * args.cols;
  parallel_for(pixels, 4, [&](int64_t begin, int64_t end) {
    std::vector<double> sums;
    for (int64_t at = begin; at < end; ++at) {
      conv_pixel(args, weights, args.row_begin + at / args.cols, at % args.cols, sums);
    }
  });
}

void upsample2x(const ops::Upsample2xArgs& args, Stream) {
  const int64_t pixel_bytes = storage_bytes(args.dtype, args.channels);
  parallel_for(2 * args.rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t col = 0; col < 2 * args.cols; ++col) {
        const int64_t from = row / 2 * args.cols + col / 2;
        std::memcpy(static_cast<std::byte*>(args.out) + (row * 2 * args.cols + col) * pixel_bytes,
                    static_cast<const std::byte*>(args.x) + from * pixel_bytes,
                    static_cast<size_t>(pixel_bytes));
      }
    }
  });
}

}  // namespace reel::cpu::reference
