// SPDX-License-Identifier: Apache-2.0
// bench_products: the products of the 14B's blocks and what stands around them, on the current GPU.
// Prints one table; each line says how far it is from the rate that bounds it, measured in the same
// run. Data are random and rotate among buffers that together exceed L2.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <string>
#include <vector>

#include "backends/cuda/kernels.h"
#include "backends/cuda/limits.h"
#include "backends/cuda/processors.h"
#include "base/error.h"
#include "core/int8_layout.h"
#include "ops/cublaslt.h"
#include "ops/program.h"
#include "ops/random_data.h"

namespace reel::bench {
namespace {

constexpr int kRotation = 3;
constexpr int kRepeats = 15;
constexpr int64_t kDim = 5120;
constexpr int64_t kFeedForward = 13824;

float* random_floats(int64_t count, uint32_t seed) {
  return static_cast<float*>(random_bytes(DType::kF32, count, seed));
}

struct Rates {
  double int8, bf16, bytes;
};

void print_row(const std::string& what, double seconds, double work, double bound,
               const char* unit) {
  std::printf("%-58s %9.3f ms %8.1f %-5s %5.1f %%\n", what.c_str(), 1e3 * seconds,
              work / seconds / (unit[0] == 'T' ? 1e12 : 1e9), unit, 100 * work / seconds / bound);
  std::fflush(stdout);
}

std::string shape_name(const char* what, int64_t rows, int64_t in, int64_t out) {
  return str_cat(what, " [", rows, " x ", in, "] x ", out);
}

// Operands for the largest shape; every product reads from their starts.
struct Pool {
  int64_t rows;
  std::vector<void*> x, w;
  void* out;  // room for f32
  float* x_scale;
  float* bias;
  float* gate;
  float* squares;
};

Pool make_pool(DType dtype, int64_t rows) {
  Pool pool{.rows = rows};
  for (uint32_t i = 0; i < kRotation; ++i) {
    pool.x.push_back(random_bytes(dtype, rows * kFeedForward, 10 + i));
    pool.w.push_back(
        random_bytes(dtype, kFeedForward * kFeedForward, 20 + i, 4 * kFeedForward + 64));
  }
  pool.out = random_bytes(DType::kF32, rows * kFeedForward, 30);
  pool.x_scale = random_floats(rows, 31);
  pool.bias = random_floats(kFeedForward, 32);
  pool.gate = random_floats(kFeedForward, 33);
  pool.squares = random_floats(rows * kFeedForward / 128, 34);
  return pool;
}

void free_pool(const Pool& pool) {
  for (void* memory : pool.x) cudaFree(memory);
  for (void* memory : pool.w) cudaFree(memory);
  for (void* memory : {pool.out, static_cast<void*>(pool.x_scale), static_cast<void*>(pool.bias),
                       static_cast<void*>(pool.gate), static_cast<void*>(pool.squares)}) {
    cudaFree(memory);
  }
}

struct Product {
  const char* name;
  int64_t rows, in, out;
  ops::Epilogue epilogue = ops::Epilogue::kStore;
  DType result = DType::kBF16;
  bool squares = false;
};

using LinearKernel = void (*)(const ops::LinearArgs&, Stream);

double time_product(const Pool& pool, DType dtype, const Product& product, LinearKernel kernel) {
  // Scales behind the numbers may be any: a packed matrix of this shape ends in the pool's bytes.
  if (dtype == DType::kI8) {
    for (void* w : pool.w) {
      fill_random(row_scales(w, product.out * product.in), DType::kF32, product.out, 40);
    }
  }
  return settled_seconds(kRepeats, [&](int run) {
    kernel({.x = pool.x[static_cast<size_t>(run % kRotation)],
            .x_dtype = dtype,
            .x_scale = dtype == DType::kI8 ? pool.x_scale : nullptr,
            .weight = {.data = pool.w[static_cast<size_t>(run % kRotation)],
                       .dtype = dtype,
                       .out = product.out,
                       .in = product.in},
            .bias = pool.bias,
            .gate = pool.gate,
            .out = pool.out,
            .out_dtype = product.result,
            .rows = product.rows,
            .epilogue = product.epilogue,
            .sum_squares = product.squares ? pool.squares : nullptr},
           {});
  });
}

void bench_products(const Pool& pool, DType dtype, const std::vector<Product>& products,
                    CublasLt* library, double bound) {
  for (const Product& product : products) {
    const double work = 2.0 * static_cast<double>(product.rows) * static_cast<double>(product.in) *
                        static_cast<double>(product.out);
    print_row(shape_name(product.name, product.rows, product.in, product.out),
              time_product(pool, dtype, product, cuda::linear), work, bound, "TOPS");
#ifdef REEL_WITH_WGMMA
    // linear() takes wgmma where it can.
    if (dtype == DType::kI8 && cuda::compute_capability() == 90) {
      print_row(shape_name("  mma.sync", product.rows, product.in, product.out),
                time_product(pool, dtype, product, cuda::int8_linear), work, bound, "TOPS");
    }
#endif
    const bool plain = product.epilogue == ops::Epilogue::kStore && !product.squares;
    if (library == nullptr || !plain) continue;
    if (!library->choose({dtype, product.rows, product.in, product.out})) continue;
    const double seconds = settled_seconds(kRepeats, [&](int run) {
      library->run(pool.x[static_cast<size_t>(run % kRotation)],
                   pool.w[static_cast<size_t>(run % kRotation)], pool.out);
    });
    print_row(shape_name("  cuBLASLt", product.rows, product.in, product.out), seconds, work, bound,
              "TOPS");
  }
}

std::vector<Product> int8_products(int64_t rows) {
  return {
      {"int8", rows, kDim, kDim},
      {"int8, squares", rows, kDim, kDim, ops::Epilogue::kStore, DType::kBF16, true},
      {"int8, gated add", rows, kDim, kDim, ops::Epilogue::kGatedAdd, DType::kF32},
      {"int8", rows, kDim, kFeedForward},
      {"int8, gelu", rows, kDim, kFeedForward, ops::Epilogue::kGeluTanh},
      {"int8", rows, kFeedForward, kDim},
      {"int8, gated add", rows, kFeedForward, kDim, ops::Epilogue::kGatedAdd, DType::kF32},
      {"int8", rows, kFeedForward, kFeedForward},
  };
}

void bench_few_rows(DType dtype, int64_t rows, int64_t in, int64_t out, double bound) {
  void* w = random_bytes(dtype, in * out, 90);
  const float* x = random_floats(rows * in, 91);
  float* result = random_floats(rows * out, 92);
  const double seconds = settled_seconds(kRepeats, [&](int) {
    cuda::linear({.x = x,
                  .x_dtype = DType::kF32,
                  .weight = {.data = w, .dtype = dtype, .out = out, .in = in},
                  .out = result,
                  .out_dtype = DType::kF32,
                  .rows = rows},
                 {});
  });
  print_row(shape_name(str_cat("linear ", dtype_name(dtype)).c_str(), rows, in, out), seconds,
            static_cast<double>(storage_bytes(dtype, in * out)), bound / 2, "GB/s");
  cudaFree(w);
}

void bench_f32(int64_t rows, int64_t in, int64_t out) {
  const float* x = random_floats(rows * in, 100);
  const float* w = random_floats(out * in, 101);
  float* result = random_floats(rows * out, 102);
  const double seconds = settled_seconds(kRepeats, [&](int) {
    cuda::linear({.x = x,
                  .x_dtype = DType::kF32,
                  .weight = {.data = w, .dtype = DType::kF32, .out = out, .in = in},
                  .out = result,
                  .out_dtype = DType::kF32,
                  .rows = rows},
                 {});
  });
  std::printf("%-58s %9.3f ms %8.1f TOPS\n", shape_name("linear f32", rows, in, out).c_str(),
              1e3 * seconds,
              2e-12 * static_cast<double>(rows) * static_cast<double>(in) *
                  static_cast<double>(out) / seconds);
}

Rates measure_rates() {
  Rates rates{};
  using cuda::Mma;
  for (const Mma mma : {Mma::kS8, Mma::kF16, Mma::kF16F16, Mma::kBF16}) {
    const double rate = cuda::mma_rate(mma);
    std::printf("mma.sync %-49s %24.1f TOPS\n", cuda::mma_name(mma), 1e-12 * rate);
    if (mma == Mma::kS8) rates.int8 = rate;
    if (mma == Mma::kBF16) rates.bf16 = rate;
  }
  rates.bytes = cuda::copy_rate();
  std::printf("%-58s %24.1f GB/s\n", "copy within GPU memory, read and written",
              1e-9 * rates.bytes);
  return rates;
}

void run() {
  print_gpu();
  const Rates rates = measure_rates();
  const auto library = CublasLt::open();
  if (library == nullptr) std::printf("cuBLASLt is not installed here: no lines of it\n");

  std::printf("percent of mma.sync s8:\n");
  for (const int64_t rows : {512, 8192, 32760}) {
    const Pool pool = make_pool(DType::kI8, rows);
    bench_products(pool, DType::kI8, int8_products(rows), library.get(), rates.int8);
    free_pool(pool);
  }
  std::printf("percent of mma.sync bf16:\n");
  const Pool pool = make_pool(DType::kBF16, 8192);
  bench_products(pool, DType::kBF16,
                 {{"bf16", 8192, kDim, kDim},
                  {"bf16", 8192, kDim, kFeedForward},
                  {"bf16", 8192, kFeedForward, kDim}},
                 library.get(), rates.bf16);
  free_pool(pool);
  std::printf("percent of copy:\n");
  bench_few_rows(DType::kF32, 1, kDim, 6 * kDim, rates.bytes);
  bench_few_rows(DType::kBF16, 1, kDim, 6 * kDim, rates.bytes);
  bench_few_rows(DType::kF32, 8, kDim, 6 * kDim, rates.bytes);
  bench_f32(32760, 64, kDim);
  bench_f32(512, 4096, kDim);
}

}  // namespace
}  // namespace reel::bench

int main() { return reel::bench::exit_code_of("bench_products", reel::bench::run); }
