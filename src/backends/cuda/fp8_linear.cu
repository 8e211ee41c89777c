// SPDX-License-Identifier: Apache-2.0
// Products of e4m3 rows: f32 sums, times both scales. See product_tile.cuh.
//
// e4m3 numbers are f16 numbers, so they are multiplied as such, on every architecture: the products
// are the same, and f16 products add in full f32, where the e4m3 products of 8.9 and 9.0 keep 13
// bits of their sums. That matters here: these products are what others are measured against.
#include <cuda_runtime.h>

#include "backends/cuda/kernels.h"
#include "backends/cuda/product_tile.cuh"
#include "core/int8_layout.h"

namespace reel::cuda {
namespace {

// 32 e4m3 columns of x and W as two f16 products of 16. Four neighbours of a row lie in one
// register; which of the 32 a product takes as its k-th does not matter, as long as x and W agree.
struct E4M3Product {
  using Sum = float;
  static __device__ void multiply(float (&sums)[4], const uint32_t (&x)[4],
                                  const uint32_t (&w)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint32_t x_halves[4] = {low(x[2 * half]), low(x[2 * half + 1]), high(x[2 * half]),
                                    high(x[2 * half + 1])};
      const uint32_t w_halves[2] = {low(w[half]), high(w[half])};
      device::mma_f16(sums, x_halves, w_halves);
    }
  }

 private:
  static __device__ uint32_t low(uint32_t four) {
    return device::e4m3x2_to_f16x2(static_cast<uint16_t>(four & 0xffffu));
  }
  static __device__ uint32_t high(uint32_t four) {
    return device::e4m3x2_to_f16x2(static_cast<uint16_t>(four >> 16));
  }
};

}  // namespace

void fp8_linear(const ops::LinearArgs& args, Stream stream) {
  if (args.rows == 0) return;
  const ProductOperands operands{.x = static_cast<const uint8_t*>(args.x),
                                 .w = static_cast<const uint8_t*>(args.weight.data),
                                 .row_bytes = args.weight.in};
  const ProductEnd end =
      product_end(args, row_scales(args.weight.data, args.weight.out * args.weight.in));
  launch_product<E4M3Product, SmallTile>("fp8_linear", operands, end, stream);
}

}  // namespace reel::cuda
