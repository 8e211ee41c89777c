// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "backends/cuda/e4m3_attention_tile.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"

namespace reel::cuda {

bool takes_e4m3_values() {
  using namespace e4m3_attention_tile;  // NOLINT
  constexpr int kAda = 89;              // elsewhere device::mma_e4m3_f16 traps
  return code_architecture(reinterpret_cast<const void*>(kernel<float, Values<E4M3Product>>)) >=
         kAda;
}

void e4m3_attention(const ops::Int8AttentionArgs& args, Stream stream) {
  using namespace e4m3_attention_tile;  // NOLINT
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch_kernel<T, Values<E4M3Product>>("e4m3_attention", problem_of(args),
                                          static_cast<cudaStream_t>(stream.handle));
  });
}

}  // namespace reel::cuda
