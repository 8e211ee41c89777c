// SPDX-License-Identifier: Apache-2.0
// The decoder's norm. Its rows are short, so a row's sum ends as a tree of vectors, what was read
// stays in the first-level cache for the second pass, and SiLU has no division.
#include <immintrin.h>

#include <cmath>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/amx_tiles.h"
#include "base/parallel.h"

namespace reel::cpu::amx {
namespace {

#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#include "backends/cpu/amx_vector.inc"

float sum_squares(const void* x, DType dtype, int64_t start, int64_t width) {
  __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  for (int64_t at = 0; at < width; at += 32) {
    const __m512 a = load16(x, dtype, start + at, first_lanes(width - at));
    sums[0] = _mm512_fmadd_ps(a, a, sums[0]);
    if (width - at <= 16) break;
    const __m512 b = load16(x, dtype, start + at + 16, first_lanes(width - at - 16));
    sums[1] = _mm512_fmadd_ps(b, b, sums[1]);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
}

template <bool kSilu>
void l2_norm_rows(const ops::L2NormArgs& args, int64_t begin, int64_t end) {
  const float root_width = std::sqrt(static_cast<float>(args.width));
  for (int64_t row = begin; row < end; ++row) {
    const int64_t start = row * args.width;
    const float length = std::sqrt(sum_squares(args.x, args.x_dtype, start, args.width));
    const __m512 factor = _mm512_set1_ps(root_width / (length > 1e-12f ? length : 1e-12f));
    for (int64_t at = 0; at < args.width; at += 16) {
      const __mmask16 lanes = first_lanes(args.width - at);
      const __m512 gamma = _mm512_maskz_loadu_ps(lanes, args.gamma + at);
      const __m512 x = load16(args.x, args.x_dtype, start + at, lanes);
      const __m512 y = _mm512_mul_ps(x, _mm512_mul_ps(factor, gamma));
      store16(args.out, args.dtype, start + at, lanes, kSilu ? silu16(y) : y);
    }
  }
}
#pragma GCC pop_options

}  // namespace

void l2_norm(const ops::L2NormArgs& args) {
  parallel_for(args.rows, 64, [&](int64_t begin, int64_t end) {
    args.silu ? l2_norm_rows<true>(args, begin, end) : l2_norm_rows<false>(args, begin, end);
  });
}

}  // namespace reel::cpu::amx
