// SPDX-License-Identifier: Apache-2.0
// What every op needs besides its tensors: the backend, where it runs, scratch, the stop flag.
#pragma once

#include "base/stop.h"
#include "core/arena.h"
#include "core/tensor.h"
#include "ops/kernels.h"

namespace reel::ops {

struct Context {
  const Kernels& kernels;
  Arena& arena;
  const StopFlag& stop;
  // The precision of matrix and convolution operands: kF32 or kBF16. Sums are f32 in both.
  DType compute = DType::kF32;
  Stream stream;
};

// Scratch tensors that live until the end of a C++ scope.
class Scratch {
 public:
  explicit Scratch(Context& ctx) : arena_(ctx.arena), mark_(ctx.arena.mark()) {}
  ~Scratch() { arena_.release(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Uninitialised.
  TensorView make(DType dtype, const Shape& shape) {
    return {.data = arena_.take(static_cast<size_t>(storage_bytes(dtype, shape.elements()))),
            .dtype = dtype,
            .shape = shape};
  }
  TensorView f32(const Shape& shape) { return make(DType::kF32, shape); }

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace reel::ops
