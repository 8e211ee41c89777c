// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/vector_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/numerics/int8_rotation.h"

// The target is set for these regions only: code of other headers must not be compiled for an
// instruction set that the CPU at hand may lack.
namespace reel::cpu {
namespace avx2 {
namespace {
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,movbe,f16c")
#include "backends/cpu/vector_body.inc"
#pragma GCC pop_options
}  // namespace
}  // namespace avx2

namespace avx512 {
namespace {
#pragma GCC push_options
#pragma GCC target( \
    "avx2,fma,bmi,bmi2,lzcnt,movbe,f16c,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#include "backends/cpu/vector_body.inc"
#pragma GCC pop_options
}  // namespace
}  // namespace avx512

void add_vector_kernels(ops::Kernels& table, Isa isa) {
  isa >= Isa::kAvx512 ? avx512::add_kernels(table) : avx2::add_kernels(table);
  if (isa >= Isa::kAmx) {
    table.l2_norm = [](const ops::L2NormArgs& args, Stream) { amx::l2_norm(args); };
  }
}

const VectorHelpers& vector_helpers(Isa isa) {
  return isa >= Isa::kAvx512 ? avx512::kHelpers : avx2::kHelpers;
}

void finish_scaled_rows(const ops::LinearArgs& args, const ScaledSums& sums) {
  const VectorHelpers& helpers = vector_helpers(usable_isa());
  parallel_for(args.rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t start = row * args.weight.out;
      helpers.finish_scaled_row(
          {.int_sums = sums.ints == nullptr ? nullptr : sums.ints + start,
           .float_sums = sums.floats == nullptr ? nullptr : sums.floats + start,
           .x_scale = args.x_scale[row],
           .w_scales = sums.column_scales,
           .bias = args.bias,
           .gate = args.gate,
           .epilogue = args.epilogue,
           .out = args.out,
           .dtype = args.out_dtype,
           .start = start,
           .width = args.weight.out});
    }
  });
}

}  // namespace reel::cpu
