// SPDX-License-Identifier: Apache-2.0
// bench_conv: the convolutions, norms and copies of a VAE decode of 832x480 pixels and 81 frames on
// the current GPU. Prints one table: each line is a shape, how often a decode runs it, and how far
// it is from the rate that bounds it, measured in the same run; then the sum over a decode. What a
// decode takes besides (products, attention) is not in it.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <string>
#include <vector>

#include "backends/cuda/device_time.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/limits.h"
#include "base/error.h"
#include "ops/program.h"

namespace reel::bench {
namespace {

using cuda::median_seconds;

constexpr int kRepeats = 15;
constexpr DType kDtype = DType::kF16;
// Frames of the latent, of levels 0 to 3, and those among them that are doubled in time.
constexpr int kLatentFrames = 21;
constexpr int kFrames1 = 41;
constexpr int kFrames = 81;
constexpr int kRows = 480;
constexpr int kCols = 832;

// Buffers for the largest shape, each used by every shape from its start.
struct Pool {
  std::vector<void*> frames;  // the oldest is written last, as a ring's
  void* out;
  void* weight;
  float* bias;
};

Pool make_pool() {
  constexpr int64_t kMostElements = int64_t{kRows} * kCols * 192;
  constexpr int64_t kMostWeights = int64_t{384} * 384 * 27;
  Pool pool{.frames = {},
            .out = random_bytes(DType::kF32, kMostElements, 1),
            .weight = random_bytes(DType::kF16, kMostWeights, 2),
            .bias = static_cast<float*>(random_bytes(DType::kF32, 5120, 3))};
  for (uint32_t i = 0; i < 4; ++i)
    pool.frames.push_back(random_bytes(kDtype, kMostElements, 4 + i));
  return pool;
}

struct Rates {
  double products, bytes;
};

struct Sum {
  double seconds = 0;
  double flops = 0;
};

struct Conv {
  const char* name;
  int rows, cols, in, out, taps, extent;
  int count;  // in a decode
  bool residual = false;
  DType out_dtype = kDtype;
};

double time_conv(const Pool& pool, const Conv& conv) {
  const ConvShape shape{.in_channels = conv.in,
                        .out_channels = conv.out,
                        .taps = conv.taps,
                        .kernel_rows = conv.extent,
                        .kernel_cols = conv.extent};
  return median_seconds(kRepeats, [&](int run) {
    ops::ConvArgs args{.frames = {},
                       .out = pool.out,
                       .residual = conv.residual ? pool.out : nullptr,
                       .weight = {.data = pool.weight, .dtype = kDtype, .shape = shape},
                       .bias = pool.bias,
                       .dtype = kDtype,
                       .out_dtype = conv.out_dtype,
                       .rows = conv.rows,
                       .cols = conv.cols,
                       .row_begin = 0,
                       .row_end = conv.rows};
    for (int tap = 0; tap < conv.taps; ++tap) {
      args.frames[tap] = pool.frames[static_cast<size_t>(run + tap) % pool.frames.size()];
    }
    cuda::conv(args, {});
  });
}

void print_row(const std::string& what, int count, double seconds, double rate, const char* unit,
               double bound, const Sum& sum) {
  std::printf("%-50s %4d %8.3f ms %7.1f %-7s %5.1f %% %8.1f ms\n", what.c_str(), count,
              1e3 * seconds, rate, unit, 100 * rate / bound, 1e3 * sum.seconds);
  std::fflush(stdout);
}

void bench_conv(const Pool& pool, const Conv& conv, const Rates& rates, Sum& total) {
  const double flops =
      2.0 * conv.rows * conv.cols * conv.in * conv.out * conv.taps * conv.extent * conv.extent;
  const double seconds = time_conv(pool, conv);
  const Sum sum{.seconds = conv.count * seconds, .flops = conv.count * flops};
  print_row(
      str_cat(conv.name, ' ', conv.rows, 'x', conv.cols, ' ', conv.in, " -> ", conv.out, ' ',
              conv.taps, 'x', conv.extent, 'x', conv.extent, conv.residual ? " + residual" : "",
              conv.out_dtype == DType::kF32 ? " to f32" : ""),
      conv.count, seconds, 1e-12 * flops / seconds, "TFLOP/s", 1e-12 * rates.products, sum);
  total.seconds += sum.seconds;
  total.flops += sum.flops;
}

std::vector<Conv> decoder_convs() {
  return {
      {"first", 60, 104, 16, 384, 3, 3, kLatentFrames},
      {"middle, level 0", 60, 104, 384, 384, 3, 3, 5 * kLatentFrames},
      {"middle, level 0", 60, 104, 384, 384, 3, 3, 5 * kLatentFrames, true},
      {"time 0", 60, 104, 384, 384, 3, 1, 2 * (kLatentFrames - 1)},
      {"space 0", 120, 208, 384, 192, 1, 3, kFrames1},
      {"level 1", 120, 208, 192, 384, 3, 3, kFrames1},
      {"level 1", 120, 208, 384, 384, 3, 3, 2 * kFrames1},
      {"level 1", 120, 208, 384, 384, 3, 3, 3 * kFrames1, true},
      {"time 1", 120, 208, 384, 384, 3, 1, 2 * (kFrames1 - 1)},
      {"space 1", 240, 416, 384, 192, 1, 3, kFrames},
      {"level 2", 240, 416, 192, 192, 3, 3, 3 * kFrames},
      {"level 2", 240, 416, 192, 192, 3, 3, 3 * kFrames, true},
      {"space 2", kRows, kCols, 192, 96, 1, 3, kFrames},
      {"level 3", kRows, kCols, 96, 96, 3, 3, 3 * kFrames},
      {"level 3", kRows, kCols, 96, 96, 3, 3, 3 * kFrames, true},
      {"head", kRows, kCols, 96, 3, 3, 3, kFrames, false, DType::kF32},
  };
}

// Norms, upsampling and casts: bound by bytes.
template <typename Work>
void bench_bytes(const std::string& what, int count, double bytes, const Rates& rates, Sum& total,
                 Work&& work) {
  const double seconds = median_seconds(kRepeats, work);
  const Sum sum{.seconds = count * seconds};
  print_row(what, count, seconds, 1e-9 * bytes / seconds, "GB/s", 1e-9 * rates.bytes, sum);
  total.seconds += sum.seconds;
}

void bench_l2_norm(const Pool& pool, int rows, int cols, int width, int count, const Rates& rates,
                   Sum& total) {
  const int64_t elements = int64_t{rows} * cols * width;
  bench_bytes(str_cat("l2_norm + silu ", rows, 'x', cols, 'x', width), count,
              static_cast<double>(2 * storage_bytes(kDtype, elements)), rates, total, [&](int run) {
                cuda::l2_norm({.x = pool.frames[static_cast<size_t>(run) % pool.frames.size()],
                               .x_dtype = kDtype,
                               .gamma = pool.bias,
                               .silu = true,
                               .out = pool.out,
                               .dtype = kDtype,
                               .rows = int64_t{rows} * cols,
                               .width = width},
                              {});
              });
}

void bench_upsample(const Pool& pool, int rows, int cols, int channels, int count,
                    const Rates& rates, Sum& total) {
  const int64_t elements = int64_t{rows} * cols * channels;
  bench_bytes(str_cat("upsample2x ", rows, 'x', cols, 'x', channels), count,
              static_cast<double>(5 * storage_bytes(kDtype, elements)), rates, total, [&](int run) {
                cuda::upsample2x({.x = pool.frames[static_cast<size_t>(run) % pool.frames.size()],
                                  .out = pool.out,
                                  .dtype = kDtype,
                                  .rows = rows,
                                  .cols = cols,
                                  .channels = channels},
                                 {});
              });
}

void bench_rms_norm(const Pool& pool, int64_t rows, int64_t width, const Rates& rates) {
  Sum none;
  bench_bytes(str_cat("rms_norm [", rows, ", ", width, "]"), 0,
              static_cast<double>(2 * storage_bytes(kDtype, rows * width)), rates, none,
              [&](int run) {
                cuda::rms_norm({.x = pool.frames[static_cast<size_t>(run) % pool.frames.size()],
                                .x_dtype = kDtype,
                                .weight = pool.bias,
                                .eps = 1e-6f,
                                .rope = nullptr,
                                .head_dim = 0,
                                .out = pool.out,
                                .dtype = kDtype,
                                .rows = rows,
                                .width = width},
                               {});
              });
}

void run() {
  print_gpu();
  const Rates rates{.products = cuda::mma_rate(cuda::Mma::kF16), .bytes = cuda::copy_rate()};
  std::printf("mma.sync f16 %.1f TFLOP/s, copy %.1f GB/s, read and written\n",
              1e-12 * rates.products, 1e-9 * rates.bytes);
  std::printf("%-50s %4s %11s %15s %7s %11s\n", "f16, 832x480, 81 frames", "runs", "each", "rate",
              "bound", "a decode");
  const Pool pool = make_pool();
  Sum convs;
  for (const Conv& conv : decoder_convs()) bench_conv(pool, conv, rates, convs);
  std::printf("%-50s %35.1f TFLOP/s %18.1f ms\n", "convolutions of a decode",
              1e-12 * convs.flops / convs.seconds, 1e3 * convs.seconds);

  Sum others;
  bench_l2_norm(pool, 60, 104, 384, 11 * kLatentFrames, rates, others);
  bench_l2_norm(pool, 120, 208, 192, kFrames1, rates, others);
  bench_l2_norm(pool, 120, 208, 384, 5 * kFrames1, rates, others);
  bench_l2_norm(pool, 240, 416, 192, 6 * kFrames, rates, others);
  bench_l2_norm(pool, kRows, kCols, 96, 7 * kFrames, rates, others);
  bench_upsample(pool, 60, 104, 384, kFrames1, rates, others);
  bench_upsample(pool, 120, 208, 384, kFrames, rates, others);
  bench_upsample(pool, 240, 416, 192, kFrames, rates, others);
  std::printf("%-50s %62.1f ms\n", "norms and upsampling of a decode", 1e3 * others.seconds);
  std::printf("%-50s %62.1f ms\n", "predicted decode, the sum of both",
              1e3 * (convs.seconds + others.seconds));

  std::printf("not in a decode:\n");
  Sum none;
  bench_conv(pool, {"level 3", kRows, kCols, 96, 96, 3, 3, 0, true, DType::kF32}, rates, none);
  bench_conv(pool, {"level 2", 240, 416, 192, 192, 3, 3, 0, true, DType::kF32}, rates, none);
  bench_rms_norm(pool, 8192, 5120, rates);
  bench_rms_norm(pool, 512, 4096, rates);
}

}  // namespace
}  // namespace reel::bench

int main() { return reel::bench::exit_code_of("bench_conv", reel::bench::run); }
