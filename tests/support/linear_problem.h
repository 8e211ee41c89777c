// SPDX-License-Identifier: Apache-2.0
// Random matrix products, run by any kernel in any memory.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "core/buffer.h"
#include "ops/kernels.h"

namespace reel::test {

struct LinearCase {
  int64_t rows, in, out;
  DType x = DType::kF32;  // kI8 with an i8 weight, kF8E4M3 with an f8_e4m3 one
  DType weight = DType::kF32;
  DType result = DType::kF32;
  ops::Epilogue epilogue = ops::Epilogue::kStore;
  bool bias = true;
  bool squares = false;
};
std::ostream& operator<<(std::ostream& out, const LinearCase& which);

struct LinearInputs {
  Tensor x, x_scale, weight, bias, gate;
  Tensor start;  // what is in the result before: numbers for sums, else poison
};
LinearInputs linear_inputs(const LinearCase& which, uint64_t seed);

struct LinearResult {
  Tensor out;      // [rows, out]
  Tensor squares;  // [rows, out / 128], or empty
};

using LinearKernel = void (*)(const ops::LinearArgs&, Stream);

// Rows [begin, begin + rows) by `kernel` with all data in `space`; the result is in host memory.
// Fails the running test when the kernel wrote behind its results.
LinearResult run_linear(const LinearCase& which, const LinearInputs& inputs, LinearKernel kernel,
                        MemorySpace& space, int64_t begin, int64_t rows);
inline LinearResult run_linear(const LinearCase& which, const LinearInputs& inputs,
                               LinearKernel kernel, MemorySpace& space = host_memory()) {
  return run_linear(which, inputs, kernel, space, 0, which.rows);
}

// What the result may be from the reference, relative in the 2-norm: one rounding of the result,
// f32 sums in another order and of few bits more or less, activations to a few ulp.
double linear_tolerance(const LinearCase& which);

}  // namespace reel::test
