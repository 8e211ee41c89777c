// SPDX-License-Identifier: Apache-2.0
// How many registers a thread may use, changed while the kernel runs (9.0a). Every warp of a
// warpgroup calls; kCount is a multiple of 8 from 24 to 256.
#pragma once

#include <cuda_runtime.h>

namespace reel::cuda::device {

template <int kCount>
__device__ inline void give_back_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kCount));
}

// Waits until as many are free.
template <int kCount>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kCount));
}

// The same number, which the compiler takes for another one each time: what follows from it is
// computed where it is needed instead of kept in a register.
__device__ inline int not_kept(int number) {
  asm volatile("" : "+r"(number));
  return number;
}

}  // namespace reel::cuda::device
