// SPDX-License-Identifier: Apache-2.0
// Convolution on the matrix unit. A block of output rows takes one frame in time after the other:
// its rows and their surroundings are copied with a border of zeros, so that every position of the
// kernel reads 32 pixels at one distance from each other. Pixels of the border get sums too, which
// are dropped. What is copied next and where results go is fetched during the products: waiting for
// memory took a tenth of a decode.
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "backends/cpu/amx_conv_geometry.h"
#include "backends/cpu/amx_fetches.h"
#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/amx_tiles.h"
#include "base/parallel.h"
#include "core/numerics/small_floats.h"

namespace reel::cpu::amx {
namespace {

constexpr int64_t kMostStrips = 6;  // of 32 output channels, that share a copy
constexpr int64_t kMostSumBytes = 416 << 10;

#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#include "backends/cpu/amx_vector.inc"

// A row of pixels, each made a multiple of 64 bytes with zeros.
void copy_pixels(const std::byte* from, int64_t pixels, int64_t pixel_bytes, int64_t padded_bytes,
                 std::byte* to) {
  if (pixel_bytes == padded_bytes) {
    std::memcpy(to, from, static_cast<size_t>(pixels * pixel_bytes));
    return;
  }
  const RowBytes rows{.from = from, .stride = pixel_bytes, .width = pixel_bytes, .rows = pixels};
  for (int64_t pixel = 0; pixel < pixels; ++pixel, to += padded_bytes) {
    for (int64_t step = 0; step < padded_bytes / kLineBytes; ++step) {
      _mm512_store_si512(to + step * kLineBytes, rows.line(pixel, step));
    }
  }
}

// The rows of a frame that a block needs, with their border.
void copy_window(const ops::ConvArgs& args, const Geometry& geometry, const Block& block,
                 const void* frame, std::byte* to) {
  const int64_t pixel_bytes = storage_bytes(DType::kBF16, geometry.shape.in_channels);
  const int64_t padded_bytes = geometry.pixel_bytes();
  const int64_t border_bytes = geometry.half_cols * padded_bytes;
  for (int64_t row = block.row_begin - geometry.half_rows; row < block.row_end + geometry.half_rows;
       ++row, to += geometry.padded(args.cols) * padded_bytes) {
    if (row < 0 || row >= args.rows) {
      std::memset(to, 0, static_cast<size_t>(geometry.padded(args.cols) * padded_bytes));
      continue;
    }
    std::memset(to, 0, static_cast<size_t>(border_bytes));
    copy_pixels(static_cast<const std::byte*>(frame) + row * args.cols * pixel_bytes, args.cols,
                pixel_bytes, padded_bytes, to + border_bytes);
    std::memset(to + border_bytes + args.cols * padded_bytes, 0, static_cast<size_t>(border_bytes));
  }
}

// Bias, residual and rounding of 16 channels of a pixel.
void finish_lanes(const ops::ConvArgs& args, int64_t pixel, int64_t channel, const float* sums) {
  const int64_t channels = args.weight.shape.out_channels;
  if (channel >= channels) return;
  const __mmask16 lanes = first_lanes(channels - channel);
  const int64_t at = pixel * channels + channel;
  __m512 y = _mm512_load_ps(sums);
  if (args.bias != nullptr) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(lanes, args.bias + channel));
  if (args.residual != nullptr) {
    y = _mm512_add_ps(y, load16(args.residual, args.out_dtype, at, lanes));
  }
  // Of two numbers one of which is NaN this takes the second.
  if (args.relu) y = _mm512_max_ps(_mm512_setzero_ps(), y);
  store16(args.out, args.out_dtype, at, lanes, y);
}

void finish_group(const ops::ConvArgs& args, const Geometry& geometry, const Block& block,
                  int64_t group, int64_t strip, std::byte* sums) {
  const int64_t width = geometry.padded(args.cols);
  int64_t row = block.row_begin + group * kBlock / width;
  int64_t col = group * kBlock % width;
  for (int64_t at = 0; at < kBlock && row < block.row_end; ++at) {
    if (col < args.cols) {
      const float* const y = sums_of_row(sums, at);
      finish_lanes(args, row * args.cols + col, strip * kBlock, y);
      finish_lanes(args, row * args.cols + col, strip * kBlock + kTileRows, y + kTileBytes / 4);
    }
    if (++col == width) {
      col = 0;
      ++row;
    }
  }
}

// One part's products for a group of pixels, of which `a` is the first at kernel column 0.
struct Part {
  const std::byte* a;
  const std::byte* b;
  int64_t kernel_cols, steps, pixel_bytes;
  std::byte* sums;
  bool adds;
  const std::byte* ahead;  // so many lines are fetched from here in each step
  int64_t lines_ahead;
};

void multiply_part(const Part& part, Fetches& fetches) {
  part.adds ? load_sums(part.sums) : zero_sums();
  const std::byte* b = part.b;
  const std::byte* ahead = part.ahead;
  for (int64_t col = 0; col < part.kernel_cols; ++col) {
    for (int64_t step = 0; step < part.steps; ++step, b += kPairBytes) {
      multiply_pair<Numbers::kBf16>(part.a + col * part.pixel_bytes + step * kLineBytes,
                                    part.pixel_bytes, b);
      for (int64_t line = 0; line < part.lines_ahead; ++line, ahead += kLineBytes) {
        __builtin_prefetch(ahead, 0, 2);
      }
      fetches.step();
    }
  }
  store_sums(part.sums);
}

// Adds a tap's products for one strip to the sums of all groups.
void multiply_strip(const Geometry& geometry, int64_t cols, const std::byte* window,
                    const std::byte* weight, int64_t groups, bool adds, std::byte* sums,
                    Fetches& fetches) {
  const int64_t lines_ahead = ceil_div(kPairBytes / kLineBytes, groups);
  geometry.for_each_part([&](int64_t kernel_row, int64_t first_step, int64_t steps) {
    const int64_t all_steps = geometry.shape.kernel_cols * steps;
    const std::byte* const a = window +
                               kernel_row * geometry.padded(cols) * geometry.pixel_bytes() +
                               first_step * kLineBytes;
    for (int64_t group = 0; group < groups; ++group) {
      multiply_part({.a = a + group * kBlock * geometry.pixel_bytes(),
                     .b = weight,
                     .kernel_cols = geometry.shape.kernel_cols,
                     .steps = steps,
                     .pixel_bytes = geometry.pixel_bytes(),
                     .sums = sums + group * kGroupBytes,
                     .adds = adds,
                     .ahead = weight + all_steps * (kPairBytes + group * lines_ahead * kLineBytes),
                     .lines_ahead = lines_ahead},
                    fetches);
    }
    weight += all_steps * kPairBytes;
    adds = true;
  });
}

// Adds the rows of a frame that a block copies, or of out or residual that it computes.
void fetch_rows(const ops::ConvArgs& args, const void* frame, int64_t row_bytes, int64_t begin,
                int64_t end, Fetches& fetches) {
  if (frame == nullptr) return;
  begin = std::max<int64_t>(0, begin);
  end = std::min(args.rows, end);
  fetches.add(static_cast<const std::byte*>(frame) + begin * row_bytes, (end - begin) * row_bytes);
}

// What is needed when the products of `tap` are done: the next frame's rows or, after the last
// frame, those of the results and of the next block's first frame.
Fetches fetches_after(const ops::ConvArgs& args, const Geometry& geometry, const Block& block,
                      int64_t tap) {
  Fetches fetches;
  const int64_t in_bytes = args.cols * storage_bytes(args.dtype, geometry.shape.in_channels);
  const int64_t out_bytes = args.cols * storage_bytes(args.out_dtype, geometry.shape.out_channels);
  const int64_t half = geometry.half_rows;
  do ++tap;
  while (tap < geometry.shape.taps && args.frames[tap] == nullptr);
  if (tap < geometry.shape.taps) {
    fetch_rows(args, args.frames[tap], in_bytes, block.row_begin - half, block.row_end + half,
               fetches);
    return fetches;
  }
  fetch_rows(args, args.residual, out_bytes, block.row_begin, block.row_end, fetches);
  if (args.residual != args.out) {
    fetch_rows(args, args.out, out_bytes, block.row_begin, block.row_end, fetches);
  }
  const auto* const first = std::find_if(args.frames, args.frames + geometry.shape.taps,
                                         [](const void* frame) { return frame != nullptr; });
  const bool same_rows = block.strip_end < geometry.strips();
  const int64_t begin = same_rows ? block.row_begin : block.row_end;
  const int64_t end = std::min(args.row_end, begin + block.row_end - block.row_begin);
  if (begin < end) fetch_rows(args, *first, in_bytes, begin - half, end + half, fetches);
  return fetches;
}

void convolve_block(const ops::ConvArgs& args, const Geometry& geometry, const Block& block) {
  const int64_t rows = block.row_end - block.row_begin;
  const int64_t groups = geometry.groups(rows, args.cols);
  const int64_t strips = block.strip_end - block.strip_begin;
  // The last group may read on beyond the last row.
  const int64_t window_bytes = ((rows + 2 * geometry.half_rows) * geometry.padded(args.cols) +
                                kBlock + 2 * geometry.half_cols) *
                               geometry.pixel_bytes();
  std::byte* const window = thread_scratch(window_bytes + strips * groups * kGroupBytes);
  std::byte* const sums = window + window_bytes;
  const Tiles tiles;
  bool adds = false;
  for (int64_t tap = 0; tap < geometry.shape.taps; ++tap) {
    if (args.frames[tap] == nullptr) continue;
    copy_window(args, geometry, block, args.frames[tap], window);
    Fetches fetches = fetches_after(args, geometry, block, tap);
    fetches.spread(strips * groups * geometry.tap_steps);
    for (int64_t strip = 0; strip < strips; ++strip) {
      const auto* const weight = static_cast<const std::byte*>(args.weight.data) +
                                 (block.strip_begin + strip) * geometry.strip_bytes() +
                                 tap * geometry.tap_steps * kPairBytes;
      multiply_strip(geometry, args.cols, window, weight, groups, adds,
                     sums + strip * groups * kGroupBytes, fetches);
    }
    adds = true;
  }
  if (!adds) std::memset(sums, 0, static_cast<size_t>(strips * groups * kGroupBytes));
  for (int64_t strip = 0; strip < strips; ++strip) {
    for (int64_t group = 0; group < groups; ++group) {
      finish_group(args, geometry, block, group, block.strip_begin + strip,
                   sums + (strip * groups + group) * kGroupBytes);
    }
  }
}

void pack_strip(const ops::PackConvArgs& args, const Geometry& geometry, int64_t strip) {
  const ConvShape& shape = args.shape;
  const int64_t steps = shape.taps * geometry.tap_steps;
  constexpr int64_t kStepNumbers = kLineBytes / 2;
  std::vector<BF16> rows(static_cast<size_t>(kBlock * steps * kStepNumbers));
  const int64_t channels = std::min(kBlock, shape.out_channels - strip * kBlock);
  const ConvOrder order = conv_order(shape, args.newest_first);
  for (int64_t channel = 0; channel < channels; ++channel) {
    BF16* to = rows.data() + channel * steps * kStepNumbers;
    for (int64_t tap = 0; tap < shape.taps; ++tap) {
      geometry.for_each_part([&](int64_t kernel_row, int64_t first_step, int64_t part_steps) {
        for (int64_t col = 0; col < shape.kernel_cols; ++col) {
          const int64_t first = first_step * kStepNumbers;
          const int64_t count = std::min(part_steps * kStepNumbers, shape.in_channels - first);
          for (int64_t in = 0; in < count; ++in) {
            const int64_t from = order.at(strip * kBlock + channel, first + in, tap);
            to[in] = BF16(args.from[from + kernel_row * shape.kernel_cols + col]);
          }
          to += part_steps * kStepNumbers;
        }
      });
    }
  }
  pack_right_block({.from = reinterpret_cast<const std::byte*>(rows.data()),
                    .stride = steps * kLineBytes,
                    .width = steps * kLineBytes,
                    .rows = channels},
                   steps, static_cast<std::byte*>(args.to) + strip * geometry.strip_bytes());
}
#pragma GCC pop_options

}  // namespace

int64_t packed_conv_bytes(const ConvShape& shape) {
  const Geometry geometry(shape);
  return geometry.strips() * geometry.strip_bytes();
}

void pack_conv(const ops::PackConvArgs& args) {
  const Geometry geometry(args.shape);
  parallel_for(geometry.strips(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) pack_strip(args, geometry, strip);
  });
}

void conv(const ops::ConvArgs& args) {
  const Geometry geometry(args.weight.shape);
  const int64_t rows = args.row_end - args.row_begin;
  const int64_t cuts = ceil_div(geometry.strips(), kMostStrips);
  const int64_t cut_strips = ceil_div(geometry.strips(), cuts);
  // As many rows as the sums have room for, but a few blocks for every thread, and not so few rows
  // that most of what is copied surrounds them.
  const int64_t most_groups = kMostSumBytes / kGroupBytes / cut_strips;
  const int64_t fitting =
      (most_groups * kBlock + 2 * geometry.half_cols) / geometry.padded(args.cols);
  const int64_t share = ceil_div(rows * cuts, int64_t{2} * compute_threads());
  const int64_t block_rows = std::max<int64_t>(2, std::min(fitting, share));
  const int64_t blocks = ceil_div(rows, block_rows);
  parallel_for(blocks * cuts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = args.row_begin + task / cuts * block_rows;
      const int64_t strip = task % cuts * cut_strips;
      convolve_block(args, geometry,
                     {row, std::min(args.row_end, row + block_rows), strip,
                      std::min(geometry.strips(), strip + cut_strips)});
    }
  });
}

}  // namespace reel::cpu::amx
