// SPDX-License-Identifier: Apache-2.0
// Tensor-core products on the CPU: integers exactly, floats as a sum in f32 in the order of k.
#pragma once

#include <cstdint>

#include "cuda_host/machine.h"

namespace reel::cuda::device {

using cuda_host::Mma;
using cuda_host::Site;

inline void mma_s8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                   Site site = Site::here()) {
  cuda_host::mma(Mma::kS8, d, a, b, site);
}
inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                    Site site = Site::here()) {
  cuda_host::mma(Mma::kF16, d, a, b, site);
}
inline void mma_f16_f16(uint32_t (&d)[2], const uint32_t (&a)[4], const uint32_t (&b)[2],
                        Site site = Site::here()) {
  cuda_host::mma(Mma::kF16F16, d, a, b, site);
}
inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                     Site site = Site::here()) {
  cuda_host::mma(Mma::kBF16, d, a, b, site);
}
constexpr bool has_mma_e4m3() { return true; }
inline void mma_e4m3_f16(uint32_t (&d)[2], const uint32_t (&a)[4], const uint32_t (&b)[2],
                         Site site = Site::here()) {
  cuda_host::mma(Mma::kE4M3F16, d, a, b, site);
}
inline void mma_e4m3_f32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                         Site site = Site::here()) {
  cuda_host::mma(Mma::kE4M3F32, d, a, b, site);
}

}  // namespace reel::cuda::device
