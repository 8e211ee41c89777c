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
  // The precision of matrix and convolution operands: kF32, kBF16 or kF16. Sums are f32 in all.
  DType compute = DType::kF32;
  Stream stream;
  // Where tensors of the networks live; the arena's space.
  MemorySpace& memory = host_memory();
  // Self-attention in 8 bits (ops/int8_attention.h).
  bool int8_attention = false;
  DType attention_values = DType::kF16;  // of 8-bit attention: kF16 or kF8E4M3
  // Rows that row-wise parts of a block take at a time; 0 for all. Depends on the request and the
  // device alone, never on the memory budget.
  int64_t row_chunk = 0;

  // Of what passes between the blocks of a network that computes in `compute`.
  DType residual() const { return compute == DType::kF16 ? DType::kF16 : DType::kF32; }
};

// Scratch tensors that live until the end of a C++ scope.
class Scratch {
 public:
  explicit Scratch(Context& ctx)
      : arena_(ctx.arena), mark_(ctx.arena.mark()), memory_(ctx.memory), stream_(ctx.stream) {}
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
  // A copy of host memory.
  TensorView upload(const TensorView& host) {
    const TensorView to = make(host.dtype, host.shape);
    memory_.upload(to.data, host.data, static_cast<size_t>(host.size_bytes()), stream_);
    return to;
  }

 private:
  Arena& arena_;
  Arena::Mark mark_;
  MemorySpace& memory_;
  Stream stream_;
};

}  // namespace reel::ops
