// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/kernel_table.h"

#include "backends/cuda/kernels.h"

namespace reel::cuda {

const ops::Kernels& kernel_table() {
  static const ops::Kernels table{
      .backend = "cuda",
      // A launch of the largest products takes well below 100 ms on an RTX 4070.
      .most_flops_per_call = int64_t{8} << 40,
      .linear = linear,
      .quantise_rows = quantise_rows,
      .layer_norm = layer_norm,
      .add = add,
      .cast = cast,
  };
  return table;
}

}  // namespace reel::cuda
