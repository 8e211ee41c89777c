// SPDX-License-Identifier: Apache-2.0
// Whether two sources hold the same weights of a block, byte for byte.
#pragma once

#include <cstring>
#include <string>

#include "base/error.h"
#include "memory/manifest.h"
#include "memory/weight_source.h"
#include "ops/kernels.h"

namespace reel::test {

// The name of the first item that differs; empty when all are the same. Tables are left alone.
inline std::string first_difference(const memory::WeightBlock& block,
                                    const memory::WeightSource& got,
                                    const memory::WeightSource& want, const ops::Kernels& kernels) {
  using memory::WeightKind;
  const auto same = [](const void* a, const void* b, int64_t bytes) {
    return std::memcmp(a, b, static_cast<size_t>(bytes)) == 0;
  };
  for (const memory::WeightItem& item : block.items) {
    bool is_same = true;
    if (item.kind == WeightKind::kTensor) {
      const TensorView a = got.tensor(item.name);
      const TensorView b = want.tensor(item.name);
      is_same = a.shape == b.shape && a.dtype == b.dtype && same(a.data, b.data, b.size_bytes());
    } else if (item.kind == WeightKind::kConv) {
      for (int part = 0; part < item.parts; ++part) {
        const ConvView a = got.conv(item.name, part);
        const ConvView b = want.conv(item.name, part);
        is_same &= a.dtype == b.dtype && a.shape.out_channels == b.shape.out_channels &&
                   same(a.data, b.data, kernels.packed_conv_bytes(b.dtype, b.shape));
      }
    } else if (item.kind != WeightKind::kTable) {
      for (int part = 0; part < item.parts; ++part) {
        const MatrixView a = got.matrix(item.name, part);
        const MatrixView b = want.matrix(item.name, part);
        is_same &= a.dtype == b.dtype && a.out == b.out && a.in == b.in &&
                   same(a.data, b.data, kernels.packed_matrix_bytes(b.dtype, b.out, b.in));
      }
    }
    if (!is_same) return item.name;
  }
  return {};
}

}  // namespace reel::test
