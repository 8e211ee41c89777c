// SPDX-License-Identifier: Apache-2.0
// Reference matrix products.
#include <cstring>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/int8_layout.h"

namespace reel::cpu::reference {
namespace {

// A row of x as the products take it: in the weight's dtype where that is a 16-bit one.
void read_row(const ops::LinearArgs& args, int64_t row, std::vector<double>& to) {
  const int64_t width = args.weight.in;
  to.resize(static_cast<size_t>(width));
  for (int64_t at = 0; at < width; ++at) {
    float x = load(args.x, args.x_dtype, row * width + at);
    if (args.weight.dtype == DType::kBF16) x = static_cast<float>(BF16(x));
    if (args.weight.dtype == DType::kF16) x = numerics::f16_to_float(numerics::float_to_f16(x));
    to[static_cast<size_t>(at)] = x;
  }
}

double dot(const ops::LinearArgs& args, const std::vector<double>& x, int64_t column) {
  int64_t at = column * args.weight.in;
  double sum = 0;
  for (const double value : x) sum += value * load(args.weight.data, args.weight.dtype, at++);
  return sum;
}

}  // namespace

void store_epilogue(const ops::LinearArgs& args, int64_t row, int64_t column, double product) {
  const int64_t at = row * args.weight.out + column;
  double y = product;
  if (args.bias != nullptr) y += args.bias[column];
  switch (args.epilogue) {
    case ops::Epilogue::kStore: break;
    case ops::Epilogue::kGeluTanh: y = gelu_tanh(y); break;
    case ops::Epilogue::kSilu: y = silu(y); break;
    case ops::Epilogue::kAdd: y += load(args.out, args.out_dtype, at); break;
    case ops::Epilogue::kGatedAdd:
      y = load(args.out, args.out_dtype, at) + y * args.gate[column];
      break;
  }
  store(args.out, args.out_dtype, at, y);
}

void fill_sum_squares(const ops::LinearArgs& args) {
  if (args.sum_squares == nullptr) return;
  constexpr int64_t kGroup = 128;
  const int64_t groups = args.weight.out / kGroup;
  parallel_for(args.rows * groups, 64, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      double sum = 0;
      for (int64_t column = 0; column < kGroup; ++column) {
        const double y = load(args.out, args.out_dtype, at * kGroup + column);
        sum += y * y;
      }
      args.sum_squares[at] = static_cast<float>(sum);
    }
  });
}

namespace {

void plain_linear(const ops::LinearArgs& args) {
  const int64_t columns = args.weight.out;
  parallel_for(args.rows * columns, 64, [&](int64_t begin, int64_t end) {
    std::vector<double> x;
    for (int64_t at = begin; at < end; ++at) {
      const int64_t row = at / columns;
      const int64_t column = at % columns;
      if (at == begin || column == 0) read_row(args, row, x);
      store_epilogue(args, row, column, dot(args, x, column));
    }
  });
}

}  // namespace

void linear(const ops::LinearArgs& args, Stream stream) {
  if (args.weight.dtype == DType::kI8) {
    int8_linear(args, stream);
  } else if (args.weight.dtype == DType::kF8E4M3) {
    fp8_linear(args);
  } else {
    plain_linear(args);
  }
  fill_sum_squares(args);
}

int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in) {
  const int64_t numbers = storage_bytes(dtype, out * in);
  if (!has_row_scales(dtype)) return numbers;
  return scales_offset_bytes(numbers) + storage_bytes(DType::kF32, out);
}

void pack_matrix(const ops::PackMatrixArgs& args, Stream) {
  const int64_t numbers = storage_bytes(args.dtype, args.out * args.in);
  std::memcpy(args.to, args.from, static_cast<size_t>(numbers));
  if (!has_row_scales(args.dtype)) return;
  std::memcpy(static_cast<std::byte*>(args.to) + scales_offset_bytes(numbers), args.row_scale,
              static_cast<size_t>(storage_bytes(DType::kF32, args.out)));
}

}  // namespace reel::cpu::reference
