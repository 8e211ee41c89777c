// SPDX-License-Identifier: Apache-2.0
#include "ops/attention_twin.h"

#include <cuda_runtime.h>

#include "backends/cuda/e4m3_attention_tile.cuh"
#include "backends/cuda/element_type.h"

namespace reel::bench {
namespace {

namespace device = cuda::device;

// Two of the four sums are taken for the two registers of f16 that e4m3 would leave.
struct Int8Product {
  __device__ static void multiply(uint32_t (&d)[2], const uint32_t (&a)[4],
                                  const uint32_t (&b)[2]) {
    int32_t sums[4] = {static_cast<int32_t>(d[0]), static_cast<int32_t>(d[1])};
    device::mma_s8(sums, a, b);
    d[0] = static_cast<uint32_t>(sums[0]);
    d[1] = static_cast<uint32_t>(sums[1]);
  }
};

struct F16Product {
  __device__ static void multiply(uint32_t (&d)[2], const uint32_t (&a)[4],
                                  const uint32_t (&b)[2]) {
    device::mma_f16_f16(d, a, b);
  }
};

template <typename Product>
void launch_twin(const ops::Int8AttentionArgs& args, Stream stream) {
  using namespace cuda::e4m3_attention_tile;  // NOLINT
  cuda::with_element_type(args.dtype, [&]<typename T>(T) {
    launch_kernel<T, Values<Product>>("attention_twin", problem_of(args),
                                      static_cast<cudaStream_t>(stream.handle));
  });
}

}  // namespace

void attention_twin(Twin twin, const ops::Int8AttentionArgs& args, Stream stream) {
  twin == Twin::kInt8 ? launch_twin<Int8Product>(args, stream)
                      : launch_twin<F16Product>(args, stream);
}

}  // namespace reel::bench
