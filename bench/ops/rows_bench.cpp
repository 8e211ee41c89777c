// SPDX-License-Identifier: Apache-2.0
// bench_rows: what stands around the products of the 14B on the current GPU, and is bound by bytes:
// layer norm, rotation and quantisation, heads of 8-bit attention, weights on arrival. Prints one
// table; each line says how far it is from the rate of a copy, measured in the same run. Data are
// random and rotate among buffers that together exceed L2.
#include <cuda_runtime_api.h>

#include <array>
#include <cstdio>
#include <string>

#include "backends/cuda/cuda_check.h"
#include "backends/cuda/device_time.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/limits.h"
#include "base/error.h"
#include "ops/program.h"
#include "ops/random_data.h"

namespace reel::bench {
namespace {

constexpr int kRotation = 3;
constexpr int kRepeats = 15;
constexpr int64_t kHeads = 40;
constexpr int64_t kDim = kHeads * ops::kInt8HeadDim;
constexpr int64_t kFeedForward = 13824;
constexpr int64_t kRows = 32760;  // of 832x480, 81 frames
constexpr int64_t kChunk = 8192;

template <typename Work>
void print_row(const std::string& what, double bytes, double copy_rate, Work&& work) {
  const double seconds = cuda::median_seconds(kRepeats, work);
  std::printf("%-46s %9.3f ms %8.1f GB/s %5.1f %%\n", what.c_str(), 1e3 * seconds,
              1e-9 * bytes / seconds, 100 * bytes / seconds / copy_rate);
  std::fflush(stdout);
}

// Memory that every shape uses from its start.
struct Pool {
  std::array<void*, kRotation> x;  // any bits are some floats of each kind, and ggml's blocks
  void* out;
  float *of_rows, *of_columns, *more_of_columns, *sums, *rope;
};

Pool make_pool() {
  constexpr int64_t kMost = kRows * kDim;
  const auto floats = [](int64_t count, uint32_t seed) {
    return static_cast<float*>(random_bytes(DType::kF32, count, seed));
  };
  Pool pool{.x = {},
            .out = device_bytes(kMost * 4),
            .of_rows = floats(ops::int8_padded(kRows) * kHeads, 1),
            .of_columns = floats(kFeedForward, 2),
            .more_of_columns = floats(kFeedForward, 3),
            .sums = floats(kRows * kHeads, 4),
            .rope = floats(kRows * ops::kInt8HeadDim, 5)};
  for (uint32_t i = 0; i < kRotation; ++i) pool.x[i] = device_bytes(kMost * 4);
  return pool;
}

void fill(const Pool& pool, DType dtype, int64_t elements) {
  uint32_t seed = 10;
  for (void* x : pool.x) fill_random(x, dtype, elements, seed++);
}

void* turn(const Pool& pool, int run) { return pool.x[static_cast<size_t>(run % kRotation)]; }

double bytes_of(DType from, DType to, int64_t elements) {
  return static_cast<double>(storage_bytes(from, elements) + storage_bytes(to, elements));
}

void bench_layer_norm(const Pool& pool, int64_t rows, DType to, double copy_rate) {
  fill(pool, DType::kF32, rows * kDim);
  print_row(str_cat("layer_norm f32 to ", dtype_name(to), " [", rows, ", ", kDim, "]"),
            bytes_of(DType::kF32, to, rows * kDim), copy_rate, [&](int run) {
              cuda::layer_norm({.x = static_cast<float*>(turn(pool, run)),
                                .scale = pool.of_columns,
                                .shift = pool.more_of_columns,
                                .scale_offset = 1,
                                .eps = 1e-6f,
                                .out = pool.out,
                                .dtype = to,
                                .out_scale = has_row_scales(to) ? pool.of_rows : nullptr,
                                .rows = rows,
                                .width = kDim},
                               {});
            });
}

void bench_quantise(const Pool& pool, int64_t rows, int64_t width, DType to, double copy_rate) {
  fill(pool, DType::kBF16, rows * width);
  print_row(str_cat("quantise_rows bf16 to ", dtype_name(to), " [", rows, ", ", width, "]"),
            bytes_of(DType::kBF16, to, rows * width), copy_rate, [&](int run) {
              cuda::quantise_rows({.x = turn(pool, run),
                                   .dtype = DType::kBF16,
                                   .to_dtype = to,
                                   .out = pool.out,
                                   .scales = pool.of_rows,
                                   .rows = rows,
                                   .width = width},
                                  {});
            });
}

void bench_heads(const Pool& pool, int64_t rows, double copy_rate) {
  fill(pool, DType::kBF16, rows * kDim);
  // Random sums may be negative: eps keeps their root.
  const ops::HeadNorm norm{pool.sums, pool.of_columns, 1.0f, pool.rope};
  const std::string shape = str_cat(" [", rows, ", ", kHeads, ", ", ops::kInt8HeadDim, "]");
  const double to_8_bits = bytes_of(DType::kBF16, DType::kI8, rows * kDim);
  print_row("queries: norm, RoPE, rotate, quantise" + shape, to_8_bits, copy_rate, [&](int run) {
    cuda::quantise_queries({.x = turn(pool, run),
                            .dtype = DType::kBF16,
                            .norm = norm,
                            .numbers = static_cast<int8_t*>(pool.out),
                            .scales = pool.of_rows,
                            .rows = rows,
                            .heads = kHeads},
                           {});
  });
  print_row("keys: and smooth" + shape, to_8_bits, copy_rate, [&](int run) {
    cuda::quantise_keys({.x = turn(pool, run),
                         .dtype = DType::kBF16,
                         .norm = norm,
                         .numbers = static_cast<int8_t*>(pool.out),
                         .scales = pool.of_rows,
                         .mean = pool.more_of_columns,
                         .rows = rows,
                         .heads = kHeads},
                        {});
  });
  print_row("values: less their mean, f16" + shape,
            bytes_of(DType::kBF16, DType::kF16, rows * kDim), copy_rate, [&](int run) {
              cuda::prepare_values({.x = turn(pool, run),
                                    .dtype = DType::kBF16,
                                    .numbers = static_cast<uint16_t*>(pool.out),
                                    .mean = pool.more_of_columns,
                                    .rows = rows,
                                    .heads = kHeads},
                                   {});
            });
}

// x is read twice.
void bench_e4m3_values(const Pool& pool, int64_t rows, double copy_rate) {
  fill(pool, DType::kBF16, rows * kDim);
  print_row(
      str_cat("values: less their mean, e4m3 [", rows, ", ", kHeads, ", ", ops::kInt8HeadDim, "]"),
      bytes_of(DType::kBF16, DType::kF8E4M3, rows * kDim) +
          static_cast<double>(storage_bytes(DType::kBF16, rows * kDim)),
      copy_rate, [&](int run) {
        cuda::prepare_values({.x = turn(pool, run),
                              .dtype = DType::kBF16,
                              .numbers = nullptr,
                              .mean = pool.more_of_columns,
                              .rows = rows,
                              .heads = kHeads,
                              .e4m3 = static_cast<uint8_t*>(pool.out),
                              .scales = pool.of_rows},
                             {});
      });
}

// What a copy of as many bytes takes, which starts and ends too.
void bench_copy(const Pool& pool, int64_t bytes, double copy_rate) {
  const auto half = static_cast<size_t>(bytes / 2);
  print_row(str_cat("a copy, ", half >> 20, " MiB in, as many out"), static_cast<double>(2 * half),
            copy_rate, [&](int run) {
              cuda::check(
                  cudaMemcpyAsync(pool.out, turn(pool, run), half, cudaMemcpyDeviceToDevice),
                  "copying");
            });
}

void bench_prepare(const Pool& pool, DType from, DType to, int64_t scales, double copy_rate) {
  constexpr int64_t kElements = kFeedForward * kDim;
  if (is_block_format(from)) {
    fill(pool, DType::kI8, storage_bytes(from, kElements));
  } else {
    fill(pool, from, kElements);
  }
  print_row(str_cat("prepare_rows ", dtype_name(from), " to ", dtype_name(to), " [", kFeedForward,
                    ", ", kDim, "]", scales > 0 ? ", scales" : ""),
            bytes_of(from, to, kElements), copy_rate, [&](int run) {
              cuda::prepare_rows({.from = turn(pool, run),
                                  .from_dtype = from,
                                  .scale = pool.of_columns,
                                  .scale_dtype = DType::kF32,
                                  .scale_count = scales,
                                  .rows = kFeedForward,
                                  .width = kDim,
                                  .to_dtype = to,
                                  .to = pool.out},
                                 {});
            });
}

void run() {
  print_gpu();
  const double copy_rate = cuda::copy_rate();
  std::printf("copy within GPU memory, read and written: %.1f GB/s\n", 1e-9 * copy_rate);
  const Pool pool = make_pool();
  for (const int64_t rows : {kChunk, kRows}) {
    bench_layer_norm(pool, rows, DType::kI8, copy_rate);
    bench_layer_norm(pool, rows, DType::kF8E4M3, copy_rate);
    bench_quantise(pool, rows, kDim, DType::kI8, copy_rate);
    bench_heads(pool, rows, copy_rate);
    bench_e4m3_values(pool, rows, copy_rate);
    // Of the bytes of layer norm, of queries and of rows quantised.
    for (const int64_t bytes : {5, 3}) bench_copy(pool, bytes * rows * kDim, copy_rate);
  }
  bench_layer_norm(pool, kRows, DType::kBF16, copy_rate);
  bench_quantise(pool, kChunk, kFeedForward, DType::kI8, copy_rate);
  bench_quantise(pool, kChunk, kFeedForward, DType::kF8E4M3, copy_rate);
  for (const DType from :
       {DType::kF8E4M3, DType::kI8, DType::kBF16, DType::kQ8_0, DType::kQ6_K, DType::kQ5_K,
        DType::kQ5_0, DType::kQ4_K, DType::kQ4_0, DType::kQ3_K, DType::kQ2_K}) {
    bench_prepare(pool, from, DType::kI8, 0, copy_rate);
  }
  bench_prepare(pool, DType::kF8E4M3, DType::kI8, kFeedForward, copy_rate);
  bench_prepare(pool, DType::kF8E4M3, DType::kBF16, kFeedForward, copy_rate);
  bench_prepare(pool, DType::kBF16, DType::kF8E4M3, 0, copy_rate);
  bench_prepare(pool, DType::kQ8_0, DType::kF8E4M3, 0, copy_rate);
  bench_prepare(pool, DType::kQ4_K, DType::kBF16, 0, copy_rate);
}

}  // namespace
}  // namespace reel::bench

int main() { return reel::bench::exit_code_of("bench_rows", reel::bench::run); }
