// SPDX-License-Identifier: Apache-2.0
// Reference ops on single elements.
#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {

void gated_gelu(const ops::GatedGeluArgs& args, Stream) {
  parallel_for(args.elements, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      store(args.out, args.dtype, at,
            gelu_tanh(load(args.gate, args.dtype, at)) * load(args.up, args.dtype, at));
    }
  });
}

void add(const ops::AddArgs& args, Stream) {
  parallel_for(args.elements, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      store(args.out, args.dtype, at,
            double{load(args.a, args.dtype, at)} + load(args.b, args.dtype, at));
    }
  });
}

void cast(const ops::CastArgs& args, Stream) {
  parallel_for(args.elements, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      store(args.out, args.dtype, at, load(args.x, args.x_dtype, at));
    }
  });
}

}  // namespace reel::cpu::reference
