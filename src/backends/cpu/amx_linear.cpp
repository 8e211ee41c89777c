// SPDX-License-Identifier: Apache-2.0
// Matrix products on the matrix unit. Weights are packed once as right-hand tiles; a block of rows
// is packed into the second-level cache, meets a strip of 32 columns at a time, and the strip's
// part for a few steps stays in the first-level cache meanwhile.
#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/amx_tiles.h"
#include "base/parallel.h"
#include "core/int8_layout.h"

namespace reel::cpu::amx {
namespace {

constexpr int64_t kMostRows = 320;                    // of a block
constexpr int64_t kMostLeftBytes = int64_t{1} << 20;  // of its packed rows

struct BlockRange {
  int64_t row_begin, row_end;
  int64_t strip_begin, strip_end;  // of 32 columns
};

// Steps whose part of a strip stays in the first-level cache. Few rows use it few times: there a
// short part, fetched and used in turns, keeps the memory busier.
int64_t inner_steps(int64_t groups) { return groups <= 4 ? 4 : 8; }

int64_t steps_of(DType dtype, int64_t in) { return ceil_div(storage_bytes(dtype, in), kLineBytes); }

#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#include "backends/cpu/amx_vector.inc"

// What is the same for all sums of a product.
struct Finish {
  const ops::LinearArgs& args;
  const float* column_scales;  // of INT8 weights, else null
  bool bypasses_cache;         // bf16 results without bias and epilogue, in whole lines

  // 16 columns of one row: scales, bias, epilogue and rounding.
  void lanes(int64_t row, int64_t column, const float* sums) const {
    const int64_t count = args.weight.out - column;
    if (count <= 0) return;
    const __mmask16 lanes = first_lanes(count);
    __m512 y = _mm512_load_ps(sums);
    if (column_scales != nullptr) {
      y = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_castps_si512(y)),
                        _mm512_set1_ps(args.x_scale[row]));
      y = _mm512_mul_ps(y, _mm512_maskz_loadu_ps(lanes, column_scales + column));
    }
    if (args.bias != nullptr) {
      y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(lanes, args.bias + column));
    }
    const int64_t at = row * args.weight.out + column;
    const auto* const before = static_cast<const float*>(args.out) + at;
    switch (args.epilogue) {
      case ops::Epilogue::kStore: break;
      case ops::Epilogue::kGeluTanh: y = gelu16(y); break;
      case ops::Epilogue::kSilu: y = silu16(y); break;
      case ops::Epilogue::kAdd: y = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, before), y); break;
      case ops::Epilogue::kGatedAdd:
        y = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, args.gate + column), y,
                            _mm512_maskz_loadu_ps(lanes, before));
        break;
    }
    store16(args.out, args.out_dtype, at, lanes, y);
  }

  void group(int64_t row, int64_t rows, int64_t column, std::byte* sums) const {
    if (bypasses_cache) return stream_group(row, rows, column, sums);
    for (int64_t at = 0; at < rows; ++at) {
      const float* const y = sums_of_row(sums, at);
      lanes(row + at, column, y);
      lanes(row + at, column + kTileRows, y + kTileBytes / 4);
    }
  }

  void stream_group(int64_t row, int64_t rows, int64_t column, std::byte* sums) const {
    auto* const out = static_cast<uint16_t*>(args.out) + column;
    for (int64_t at = 0; at < rows; ++at) {
      const float* const y = sums_of_row(sums, at);
      _mm512_stream_si512(reinterpret_cast<__m512i*>(out + (row + at) * args.weight.out),
                          narrow32(_mm512_load_ps(y), _mm512_load_ps(y + kTileBytes / 4)));
    }
  }
};

// Few rows take as long as their weights take to be read: to fetch the lines of the result before
// they are overwritten would be in the way of that.
bool may_bypass_cache(const ops::LinearArgs& args) {
  return args.rows <= kMostRows && args.weight.dtype == DType::kBF16 && args.bias == nullptr &&
         args.epilogue == ops::Epilogue::kStore && args.out_dtype == DType::kBF16 &&
         args.weight.out % kBlock == 0 && reinterpret_cast<uintptr_t>(args.out) % kLineBytes == 0;
}

// Steps [begin, end) of up to 32 rows from `row` on, as left-hand tiles.
void pack_rows(const ops::LinearArgs& args, int64_t row, int64_t row_end, int64_t begin,
               int64_t end, std::byte* to) {
  const MatrixView& w = args.weight;
  const int64_t row_bytes = storage_bytes(args.x_dtype, w.in);
  const bool rounds = args.x_dtype == DType::kF32;
  const int64_t skipped = begin * kLineBytes * (rounds ? 2 : 1);
  const RowBytes rows{.from = static_cast<const std::byte*>(args.x) + row * row_bytes + skipped,
                      .stride = row_bytes,
                      .width = row_bytes - skipped,
                      .rows = row_end - row};
  rounds ? pack_rounded_left_block(rows, end - begin, to) : pack_left_block(rows, end - begin, to);
}

template <Numbers kNumbers>
void multiply_range(const ops::LinearArgs& args, const BlockRange& range) {
  const MatrixView& w = args.weight;
  const int64_t groups = ceil_div(range.row_end - range.row_begin, kBlock);
  const int64_t steps = steps_of(w.dtype, w.in);
  const int64_t most_outer = std::max<int64_t>(1, kMostLeftBytes / (groups * kPairBytes));
  const int64_t outer = ceil_div(steps, ceil_div(steps, most_outer));
  // Packed rows lie in the order they are read in: `inner` steps of one group after the other.
  const int64_t inner = inner_steps(groups);
  const int64_t left_bytes = groups * ceil_div(outer, inner) * inner * kPairBytes;
  // All strips' sums are kept where the steps are cut, else only one strip's.
  const int64_t strips = outer < steps ? range.strip_end - range.strip_begin : 1;
  std::byte* const left = thread_scratch(left_bytes + strips * groups * kGroupBytes);
  std::byte* const all_sums = left + left_bytes;
  const auto left_of = [&](int64_t step, int64_t group) {
    return left + (step * groups + group * inner) * kPairBytes;
  };
  // Each group fetches its share of the strip's next part.
  const int64_t lines_ahead = ceil_div(kPairBytes / kLineBytes, groups);
  const Finish finish{
      .args = args,
      .column_scales = kNumbers == Numbers::kInt8
                           ? row_scales(w.data, packed_matrix_bytes(w.dtype, w.out, w.in))
                           : nullptr,
      .bypasses_cache = may_bypass_cache(args)};
  const Tiles tiles;
  for (int64_t begin = 0; begin < steps; begin += outer) {
    const int64_t end = std::min(steps, begin + outer);
    for (int64_t group = 0; group < groups; ++group) {
      for (int64_t step = begin; step < end; step += inner) {
        pack_rows(args, range.row_begin + group * kBlock, range.row_end, step,
                  std::min(step + inner, end), left_of(step - begin, group));
      }
    }
    for (int64_t strip = range.strip_begin; strip < range.strip_end; ++strip) {
      const auto* const right = static_cast<const std::byte*>(w.data) + strip * steps * kPairBytes;
      std::byte* const sums =
          all_sums + (strips == 1 ? 0 : strip - range.strip_begin) * groups * kGroupBytes;
      for (int64_t step = begin; step < end; step += inner) {
        const int64_t count = std::min(inner, end - step);
        for (int64_t group = 0; group < groups; ++group) {
          std::byte* const group_sums = sums + group * kGroupBytes;
          multiply_group<kNumbers>({.a = left_of(step - begin, group),
                                    .b = right + step * kPairBytes,
                                    .sums = group_sums,
                                    .steps = count,
                                    .adds = step > 0,
                                    .ahead = right + (step + count) * kPairBytes +
                                             group * count * lines_ahead * kLineBytes,
                                    .lines_ahead = lines_ahead});
          if (step + count == steps) {
            const int64_t row = range.row_begin + group * kBlock;
            finish.group(row, std::min(kBlock, range.row_end - row), strip * kBlock, group_sums);
          }
        }
      }
    }
  }
  if (finish.bypasses_cache) _mm_sfence();
}

void pack_strip(const ops::PackMatrixArgs& args, int64_t strip) {
  const int64_t steps = steps_of(args.dtype, args.in);
  const int64_t row_bytes = storage_bytes(args.dtype, args.in);
  pack_right_block({.from = static_cast<const std::byte*>(args.from) + strip * kBlock * row_bytes,
                    .stride = row_bytes,
                    .width = row_bytes,
                    .rows = std::min(kBlock, args.out - strip * kBlock)},
                   steps, static_cast<std::byte*>(args.to) + strip * steps * kPairBytes);
}
#pragma GCC pop_options

}  // namespace

int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in) {
  return ceil_div(out, kBlock) * steps_of(dtype, in) * kPairBytes;
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
      if (range.row_begin >= range.row_end || range.strip_begin >= range.strip_end) continue;
      if (args.weight.dtype == DType::kI8) {
        multiply_range<Numbers::kInt8>(args, range);
      } else {
        multiply_range<Numbers::kBf16>(args, range);
      }
    }
  });
}

}  // namespace reel::cpu::amx
