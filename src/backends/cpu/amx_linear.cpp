// SPDX-License-Identifier: Apache-2.0
// Matrix products on the matrix unit. Weights are packed once as right-hand tiles; a block of rows
// is packed into the second-level cache, meets a strip of 32 columns at a time, and the strip's
// part for kInnerSteps steps stays in the first-level cache meanwhile.
#include <asm/prctl.h>
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/amx_tiles.h"
#include "base/parallel.h"
#include "core/buffer.h"

namespace reel::cpu::amx {
namespace {

constexpr int64_t kMostRows = 320;                    // of a block
constexpr int64_t kMostLeftBytes = int64_t{1} << 20;  // of its packed rows
constexpr int64_t kInnerSteps = 8;

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif

bool ask_for_tiles() {
  constexpr unsigned kBf16 = 1u << 22;
  constexpr unsigned kTiles = 1u << 24;
  constexpr long kTileData = 18;  // the number of the tiles' state component
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & kBf16) == 0 || (edx & kTiles) == 0) return false;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, kTileData) == 0;
}

// Memory of the calling thread that grows to what the largest call needs.
std::byte* thread_scratch(int64_t bytes) {
  constexpr int64_t kFewest = int64_t{2} << 20;  // a huge page
  thread_local Buffer buffer;
  if (buffer.size_bytes() < static_cast<size_t>(bytes)) {
    buffer = Buffer();
    buffer = Buffer(static_cast<size_t>(std::max(kFewest, bytes)), "the CPU kernels' scratch");
  }
  return buffer.data();
}

struct BlockRange {
  int64_t row_begin, row_end;
  int64_t strip_begin, strip_end;  // of 32 columns
};

#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#include "backends/cpu/amx_vector.inc"

// Bias, epilogue and rounding of 16 columns of one row.
inline void finish_lanes(const ops::LinearArgs& args, int64_t row, int64_t column, __m512 y) {
  const int64_t count = args.weight.out - column;
  if (count <= 0) return;
  const __mmask16 lanes = first_lanes(count);
  if (args.bias != nullptr) {
    y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(lanes, args.bias + column));
  }
  const int64_t at = row * args.weight.out + column;
  auto* const out = static_cast<float*>(args.out) + at;
  switch (args.epilogue) {
    case ops::Epilogue::kStore: break;
    case ops::Epilogue::kGeluTanh: y = gelu16(y); break;
    case ops::Epilogue::kSilu: y = silu16(y); break;
    case ops::Epilogue::kAdd: y = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, out), y); break;
    case ops::Epilogue::kGatedAdd:
      y = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, args.gate + column), y,
                          _mm512_maskz_loadu_ps(lanes, out));
      break;
  }
  if (args.out_dtype == DType::kF32) {
    _mm512_mask_storeu_ps(out, lanes, y);
  } else {
    _mm256_mask_storeu_epi16(static_cast<uint16_t*>(args.out) + at, lanes,
                             reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(y)));
  }
}

void finish_group(const ops::LinearArgs& args, int64_t row, int64_t rows, int64_t column,
                  std::byte* sums) {
  for (int64_t at = 0; at < rows; ++at) {
    const float* const y = sums_of_row(sums, at);
    finish_lanes(args, row + at, column, _mm512_load_ps(y));
    finish_lanes(args, row + at, column + kTileRows, _mm512_load_ps(y + kTileBytes / 4));
  }
}

void multiply_range(const ops::LinearArgs& args, const BlockRange& range) {
  const MatrixView& w = args.weight;
  const int64_t rows = range.row_end - range.row_begin;
  const int64_t groups = ceil_div(rows, kBlock);
  const int64_t steps = ceil_div(w.in, kStep);
  const int64_t most_outer = std::max<int64_t>(1, kMostLeftBytes / (groups * kPairBytes));
  const int64_t outer = ceil_div(steps, ceil_div(steps, most_outer));
  // Packed rows lie in the order they are read in: kInnerSteps steps of one group after the other.
  const int64_t left_bytes = groups * ceil_div(outer, kInnerSteps) * kInnerSteps * kPairBytes;
  // All strips' sums are kept where the steps are cut, else only one strip's.
  const int64_t strips = outer < steps ? range.strip_end - range.strip_begin : 1;
  std::byte* const left = thread_scratch(left_bytes + strips * groups * kGroupBytes);
  std::byte* const all_sums = left + left_bytes;
  const auto left_of = [&](int64_t step, int64_t group) {
    return left + (step * groups + group * kInnerSteps) * kPairBytes;
  };
  const auto* const x = static_cast<const std::byte*>(args.x);
  const Tiles tiles;
  for (int64_t begin = 0; begin < steps; begin += outer) {
    const int64_t end = std::min(steps, begin + outer);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t row = range.row_begin + group * kBlock;
      for (int64_t step = begin; step < end; step += kInnerSteps) {
        pack_left_block(x + storage_bytes(args.x_dtype, row * w.in), args.x_dtype, w.in,
                        range.row_end - row, step * kStep, w.in, std::min(kInnerSteps, end - step),
                        left_of(step - begin, group));
      }
    }
    for (int64_t strip = range.strip_begin; strip < range.strip_end; ++strip) {
      const auto* const right = static_cast<const std::byte*>(w.data) + strip * steps * kPairBytes;
      std::byte* const sums =
          all_sums + (strips == 1 ? 0 : strip - range.strip_begin) * groups * kGroupBytes;
      for (int64_t step = begin; step < end; step += kInnerSteps) {
        const int64_t count = std::min(kInnerSteps, end - step);
        for (int64_t group = 0; group < groups; ++group) {
          // The first two groups fetch the strip's next part, half of it each.
          const std::byte* const ahead =
              group < 2 ? right + (step + count) * kPairBytes + group * kTileBytes : nullptr;
          std::byte* const group_sums = sums + group * kGroupBytes;
          multiply_group({.a = left_of(step - begin, group),
                          .b = right + step * kPairBytes,
                          .sums = group_sums,
                          .steps = count,
                          .adds = step > 0,
                          .ahead = ahead,
                          .streams_a = true});
          if (step + count == steps) {
            const int64_t row = range.row_begin + group * kBlock;
            finish_group(args, row, std::min(kBlock, range.row_end - row), strip * kBlock,
                         group_sums);
          }
        }
      }
    }
  }
}

void pack_strip(const ops::PackMatrixArgs& args, int64_t strip) {
  const int64_t steps = ceil_div(args.in, kStep);
  const int64_t column = strip * kBlock;
  pack_right_block(static_cast<const uint16_t*>(args.from) + column * args.in, args.in,
                   std::min(kBlock, args.out - column), args.in, steps,
                   static_cast<std::byte*>(args.to) + strip * steps * kPairBytes);
}
#pragma GCC pop_options

}  // namespace

bool available() {
  static const bool is = ask_for_tiles();
  return is;
}

int64_t packed_matrix_bytes(int64_t out, int64_t in) {
  return ceil_div(out, kBlock) * ceil_div(in, kStep) * kPairBytes;
}

void pack_matrix(const ops::PackMatrixArgs& args) {
  parallel_for(ceil_div(args.out, kBlock), 1, [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) pack_strip(args, strip);
  });
}

void linear(const ops::LinearArgs& args) {
  const int64_t threads = compute_threads();
  const int64_t strips = ceil_div(args.weight.out, kBlock);
  const int64_t blocks = ceil_div(args.rows, kMostRows);
  const int64_t block_rows = ceil_div(ceil_div(args.rows, blocks), kBlock) * kBlock;
  // Few blocks are cut by columns too, so that every thread gets its share.
  const int64_t cuts =
      blocks % threads == 0 || blocks >= 8 * threads ? 1 : std::min(threads, strips);
  const int64_t cut_strips = ceil_div(strips, cuts);
  parallel_for(blocks * cuts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / cuts * block_rows;
      const int64_t strip = task % cuts * cut_strips;
      const BlockRange range{row, std::min(args.rows, row + block_rows), strip,
                             std::min(strips, strip + cut_strips)};
      if (range.row_begin < range.row_end && range.strip_begin < range.strip_end) {
        multiply_range(args, range);
      }
    }
  });
}

}  // namespace reel::cpu::amx
