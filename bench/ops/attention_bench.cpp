// SPDX-License-Identifier: Apache-2.0
// bench_attention: self-attention of the 14B on the current GPU, in 8 bits with all that prepares
// it, and plain. Prints one table; each line says how far it is from the rate that bounds it,
// measured in the same run: for 8 bits the time that mma.sync's INT8 and f16 rates allow, which
// wgmma may exceed; for e4m3 values twice that of INT8.
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "backends/cuda/device_time.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/limits.h"
#include "base/error.h"
#include "ops/attention_twin.h"
#include "ops/program.h"

namespace reel::bench {
namespace {

using cuda::median_seconds;

constexpr int kRepeats = 11;
constexpr int64_t kHeads = 40;
constexpr int64_t kWidth = kHeads * ops::kInt8HeadDim;
constexpr DType kDtype = DType::kBF16;

// Memory of the GPU until the end of a scope.
class DeviceBytes {
 public:
  explicit DeviceBytes(int64_t size) : data_(device_bytes(size)) {}
  DeviceBytes(DType dtype, int64_t elements, uint32_t seed)
      : data_(random_bytes(dtype, elements, seed)) {}
  ~DeviceBytes() { cudaFree(data_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;

  template <typename T = void>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
};

struct Rates {
  double int8, f16, bf16, bytes;
};

void print_row(const std::string& what, double seconds, double work, double bound_seconds,
               const char* unit) {
  std::printf("%-44s %9.3f ms %8.1f %-5s %5.1f %%\n", what.c_str(), 1e3 * seconds,
              work / seconds / (unit[0] == 'T' ? 1e12 : 1e9), unit, 100 * bound_seconds / seconds);
  std::fflush(stdout);
}

// All rows of a chunk of queries against all keys, the chunk being all of them.
void bench_int8(int64_t rows, const Rates& rates) {
  const int64_t padded = ops::int8_padded(rows);
  const DeviceBytes x(kDtype, rows * kWidth, 1);
  const DeviceBytes sums(DType::kF32, rows * kHeads, 2);
  const DeviceBytes weight(DType::kF32, kWidth, 3);
  const DeviceBytes rope(DType::kF32, rows * ops::kInt8HeadDim, 4);
  const DeviceBytes q(padded * kWidth);
  const DeviceBytes q_scales(4 * padded * kHeads);
  const DeviceBytes k(padded * kWidth);
  const DeviceBytes k_scales(4 * padded / 16 * kHeads);
  const DeviceBytes v(2 * padded * kWidth);
  const DeviceBytes k_mean(4 * kWidth);
  const DeviceBytes v_mean(4 * kWidth);
  const DeviceBytes v_scales(4 * kWidth);
  const DeviceBytes out(storage_bytes(kDtype, rows * kWidth));
  // Random sums may be negative: eps keeps their root.
  const ops::HeadNorm norm{sums.as<float>(), weight.as<float>(), 1.0f, rope.as<float>()};
  const double elements = static_cast<double>(rows) * kWidth;

  const auto bytes_row = [&](const char* what, double bytes, auto&& work) {
    const double seconds = median_seconds(kRepeats, work);
    print_row(str_cat(what, " [", rows, ", ", kWidth, "]"), seconds, bytes, bytes / rates.bytes,
              "GB/s");
    return seconds;
  };
  double quantised = bytes_row("quantise_queries", 3 * elements, [&](int) {
    cuda::quantise_queries({.x = x.as(),
                            .dtype = kDtype,
                            .norm = norm,
                            .numbers = q.as<int8_t>(),
                            .scales = q_scales.as<float>(),
                            .rows = rows,
                            .heads = kHeads},
                           {});
  });
  quantised += bytes_row("quantise_keys", 3 * elements, [&](int) {
    cuda::quantise_keys({.x = x.as(),
                         .dtype = kDtype,
                         .norm = norm,
                         .numbers = k.as<int8_t>(),
                         .scales = k_scales.as<float>(),
                         .mean = k_mean.as<float>(),
                         .rows = rows,
                         .heads = kHeads},
                        {});
  });
  const double values = bytes_row("prepare_values", 4 * elements, [&](int) {
    cuda::prepare_values({.x = x.as(),
                          .dtype = kDtype,
                          .numbers = v.as<uint16_t>(),
                          .mean = v_mean.as<float>(),
                          .rows = rows,
                          .heads = kHeads},
                         {});
  });
  ops::Int8AttentionArgs args{.q = q.as<int8_t>(),
                              .q_scales = q_scales.as<float>(),
                              .k = k.as<int8_t>(),
                              .k_scales = k_scales.as<float>(),
                              .v = v.as<uint16_t>(),
                              .v_mean = v_mean.as<float>(),
                              .out = out.as(),
                              .dtype = kDtype,
                              .queries = rows,
                              .keys = rows,
                              .heads = kHeads,
                              .scale = 1 / std::sqrt(float{ops::kInt8HeadDim})};
  const int repeats = rows > 50000 ? 3 : kRepeats;
  const double seconds = median_seconds(repeats, [&](int) { cuda::int8_attention(args, {}); });
  const double product = 2 * elements * static_cast<double>(rows);
  const double bound = product / rates.int8 + product / rates.f16;
  print_row(str_cat("int8_attention ", rows, " x ", kHeads, " x 128"), seconds, 2 * product, bound,
            "TOP/s");
  print_row("  with quantisation", quantised + values + seconds, 2 * product, bound, "TOP/s");
  if (cuda::which_int8_attention(args) == std::string_view("wgmma")) {
    print_row("  through mma.sync",
              median_seconds(repeats, [&](int) { cuda::mma_sync_attention(args, {}); }),
              2 * product, bound, "TOP/s");
  }

  const double e4m3_values = bytes_row("prepare_values in e4m3", 5 * elements, [&](int) {
    cuda::prepare_values({.x = x.as(),
                          .dtype = kDtype,
                          .numbers = nullptr,
                          .mean = v_mean.as<float>(),
                          .rows = rows,
                          .heads = kHeads,
                          .e4m3 = v.as<uint8_t>(),
                          .scales = v_scales.as<float>()},
                         {});
  });
  args.v = nullptr;
  args.v_e4m3 = v.as<uint8_t>();
  args.v_scales = v_scales.as<float>();
  const double int8_bound = 2 * product / rates.int8;
  if (cuda::takes_e4m3_values()) {
    const double e4m3 = median_seconds(repeats, [&](int) { cuda::int8_attention(args, {}); });
    print_row("  with e4m3 values", e4m3, 2 * product, int8_bound, "TOP/s");
    print_row("  and their quantisation", quantised + e4m3_values + e4m3, 2 * product, int8_bound,
              "TOP/s");
  }
  for (const auto& [name, twin] :
       {std::pair{"  its twin with INT8 in the place of e4m3", Twin::kInt8},
        {"  its twin with half as deep f16", Twin::kF16}}) {
    const double twin_seconds =
        median_seconds(repeats, [&](int) { attention_twin(twin, args, {}); });
    print_row(name, twin_seconds, 2 * product, int8_bound, "TOP/s");
  }
}

void bench_plain(int64_t queries, int64_t keys, int64_t heads, int64_t head_dim, DType dtype,
                 double rate) {
  const int64_t width = heads * head_dim;
  const DeviceBytes q(dtype, queries * width, 1);
  const DeviceBytes k(dtype, keys * width, 2);
  const DeviceBytes v(dtype, keys * width, 3);
  const DeviceBytes out(dtype, queries * width, 4);
  const double seconds = median_seconds(kRepeats, [&](int) {
    cuda::attention({.q = q.as(),
                     .k = k.as(),
                     .v = v.as(),
                     .out = out.as(),
                     .dtype = dtype,
                     .queries = queries,
                     .keys = keys,
                     .heads = heads,
                     .head_dim = head_dim,
                     .q_stride = width,
                     .k_stride = width,
                     .v_stride = width,
                     .out_stride = width,
                     .scale = 1 / std::sqrt(static_cast<float>(head_dim)),
                     .key_bias = nullptr,
                     .relative_bias = nullptr,
                     .relative_stride = 0},
                    {});
  });
  const double work = 4.0 * static_cast<double>(queries) * static_cast<double>(keys * width);
  print_row(str_cat("attention ", dtype_name(dtype), ' ', queries, " x ", keys, " x ", heads, " x ",
                    head_dim),
            seconds, work, work / rate, "TOP/s");
}

void run() {
  print_gpu();
  const Rates rates{.int8 = cuda::mma_rate(cuda::Mma::kS8),
                    .f16 = cuda::mma_rate(cuda::Mma::kF16),
                    .bf16 = cuda::mma_rate(cuda::Mma::kBF16),
                    .bytes = cuda::copy_rate()};
  std::printf("mma.sync int8 %.1f TOP/s, f16 %.1f, bf16 %.1f; copy %.1f GB/s, read and written\n",
              1e-12 * rates.int8, 1e-12 * rates.f16, 1e-12 * rates.bf16, 1e-9 * rates.bytes);
  std::printf("%-44s %12s %14s %7s\n", "", "each", "rate", "bound");
  for (const int64_t rows : {32760, 75600}) bench_int8(rows, rates);
  bench_plain(8192, 8192, kHeads, 128, DType::kBF16, rates.bf16);
  bench_plain(32760, 512, kHeads, 128, DType::kBF16, rates.bf16);
  bench_plain(512, 512, 64, 64, DType::kBF16, rates.bf16);
  bench_plain(6240, 6240, 1, 384, DType::kF16, rates.f16);
}

}  // namespace
}  // namespace reel::bench

int main() { return reel::bench::exit_code_of("bench_attention", reel::bench::run); }
