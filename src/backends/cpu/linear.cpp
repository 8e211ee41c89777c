// SPDX-License-Identifier: Apache-2.0
// Reference matrix products.
#include <cstring>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {
namespace {

double dot(const ops::LinearArgs& args, int64_t row, int64_t column) {
  const int64_t width = args.weight.in;
  double sum = 0;
  for (int64_t at = 0; at < width; ++at) {
    double x = load(args.x, args.x_dtype, row * width + at);
    if (args.weight.dtype == DType::kBF16) x = BF16(static_cast<float>(x));
    sum += x * load(args.weight.data, args.weight.dtype, column * width + at);
  }
  return sum;
}

}  // namespace

void linear(const ops::LinearArgs& args, Stream) {
  const int64_t columns = args.weight.out;
  parallel_for(args.rows * columns, 64, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t column = at % columns;
      double y = dot(args, at / columns, column);
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
  });
}

int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in) {
  return storage_bytes(dtype, out * in);
}

void pack_matrix(const ops::PackMatrixArgs& args, Stream) {
  std::memcpy(args.to, args.from,
              static_cast<size_t>(packed_matrix_bytes(args.dtype, args.out, args.in)));
}

}  // namespace reel::cpu::reference
