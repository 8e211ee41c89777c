// SPDX-License-Identifier: Apache-2.0
// Stored weights to what products read. Every byte is read once and written once: bound by memory,
// but for block formats, by what decoding them takes. 8-bit rows come from the kernel of
// scaled_rows.cuh, where stored rows start at multiples of 16 bytes, as `to` does; INT8 from other
// addresses has the reference's bytes. Where block formats become floats, they are read byte by
// byte, neighbours out of L1.
#include <cuda_runtime.h>

#include <cstring>
#include <type_traits>

#include "backends/cuda/block_rows.cuh"
#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_blocks.h"
#include "backends/cuda/row_runs.cuh"
#include "backends/cuda/scaled_rows.cuh"
#include "backends/cuda/warp_numbers.cuh"
#include "core/int8_layout.h"
#include "core/numerics/ggml_blocks.h"

namespace reel::cuda {
namespace {

struct StoredRows {
  const uint8_t* from;  // [rows, width] dtype
  DType dtype;
  const void* scale;
  DType scale_dtype;
  int64_t scale_count;
  int64_t width;
  int64_t row_bytes;
  bool whole;  // as whole_runs(); block formats need no alignment
};

__device__ inline float row_factor(const StoredRows& stored, int64_t row) {
  const int64_t at = stored.scale_count == 1 ? 0 : row;
  if (stored.scale_dtype == DType::kF32) return static_cast<const float*>(stored.scale)[at];
  if (stored.scale_dtype == DType::kBF16) {
    return device::load_as_float(static_cast<const BF16*>(stored.scale)[at]);
  }
  return device::load_as_float(static_cast<const Half*>(stored.scale)[at]);
}

template <typename T>
__device__ inline void load_floats(const StoredRows& stored, const uint8_t* row, int64_t at,
                                   float (&x)[kRun]) {
  load_run(reinterpret_cast<const T*>(row), at, stored.width, stored.whole, x);
}

// Eight bytes of a row from `at` on; zeros from `width` on.
__device__ inline RunOf<uint8_t> load_bytes(const StoredRows& stored, const uint8_t* row,
                                            int64_t at) {
  if (stored.whole && at < stored.width) return *reinterpret_cast<const RunOf<uint8_t>*>(row + at);
  RunOf<uint8_t> run;
#pragma unroll
  for (int i = 0; i < kRun; ++i) run.at[i] = at + i < stored.width ? row[at + i] : uint8_t{0};
  return run;
}

__device__ inline void widen_e4m3(const RunOf<uint8_t>& run, float (&x)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; i += 2) {
    const auto both = static_cast<uint16_t>(run.at[i] | run.at[i + 1] << 8);
    device::unpack_f16x2(device::e4m3x2_to_f16x2(both), x[i], x[i + 1]);
  }
}

// e5m2 is the upper half of f16.
__device__ inline void widen_e5m2(const RunOf<uint8_t>& run, float (&x)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    x[i] = device::f16_to_f32(static_cast<uint16_t>(run.at[i] << 8));
  }
}

__device__ inline void widen_int8(const RunOf<uint8_t>& run, float (&x)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) x[i] = static_cast<float>(static_cast<int8_t>(run.at[i]));
}

// The same as pairs of f16, which has all numbers of both, and integers 1024 + 128 too large.
constexpr int kInt8Offset = 1024 + 128;

__device__ inline void pair_e4m3(const RunOf<uint8_t>& run, RunPairs& pairs) {
#pragma unroll
  for (int i = 0; i < kRun; i += 4) {
    uint32_t four;
    memcpy(&four, &run.at[i], sizeof four);
    pairs[i / 2] = device::e4m3x2_to_f16x2(static_cast<uint16_t>(four));
    pairs[i / 2 + 1] = device::e4m3x2_to_f16x2(static_cast<uint16_t>(four >> 16));
  }
}
__device__ inline void pair_e5m2(const RunOf<uint8_t>& run, RunPairs& pairs) {
#pragma unroll
  for (int i = 0; i < kRun; i += 4) {
    uint32_t four;
    memcpy(&four, &run.at[i], sizeof four);
    pairs[i / 2] = (four & 0xffu) << 8 | (four & 0xff00u) << 16;
    pairs[i / 2 + 1] = (four & 0xff0000u) >> 8 | (four & 0xff000000u);
  }
}
__device__ inline void pair_int8(const RunOf<uint8_t>& run, RunPairs& pairs) {
#pragma unroll
  for (int i = 0; i < kRun; i += 4) {
    uint32_t four;
    memcpy(&four, &run.at[i], sizeof four);
    four ^= 0x80808080u;
    pairs[i / 2] = device::two_bytes_above_1024(four, 0);
    pairs[i / 2 + 1] = device::two_bytes_above_1024(four, 2);
  }
}

template <void (*kWiden)(const RunOf<uint8_t>&, float (&)[kRun])>
__device__ inline void load_numbers(const StoredRows& stored, const uint8_t* row, int64_t at,
                                    float (&x)[kRun]) {
  kWiden(load_bytes(stored, row, at), x);
}

// A run of a row of blocks of kElements values and kBytes bytes.
template <void (*kDequantise)(const uint8_t*, int, float*), int kElements, int kBytes>
__device__ inline void load_blocks(const StoredRows& stored, const uint8_t* row, int64_t at,
                                   float (&x)[kRun]) {
  static_assert(kRun == numerics::kDecodedRun);
  if (at < stored.width) {
    kDequantise(row + at / kElements * kBytes, static_cast<int>(at % kElements), x);
    return;
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) x[i] = 0;
}

// Runs of a row, `stride` apart from `first` on, scaled; zeros from `width` on. All loads come
// before the first use.
template <int kRuns>
__device__ inline void load_stored(const StoredRows& stored, int64_t row_index, int64_t first,
                                   int stride, float (&x)[kRuns][kRun]) {
  using namespace numerics;
  const uint8_t* row = stored.from + row_index * stored.row_bytes;
  const auto each = [&](auto load) {
#pragma unroll
    for (int run = 0; run < kRuns; ++run) load(stored, row, first + run * stride, x[run]);
  };
  switch (stored.dtype) {
    case DType::kF32: each(load_floats<float>); break;
    case DType::kF16: each(load_floats<Half>); break;
    case DType::kBF16: each(load_floats<BF16>); break;
    case DType::kF8E4M3: each(load_numbers<widen_e4m3>); break;
    case DType::kF8E5M2: each(load_numbers<widen_e5m2>); break;
    case DType::kI8: each(load_numbers<widen_int8>); break;
    case DType::kQ8_0: each(load_blocks<dequantise_q8_0, 32, 34>); break;
    case DType::kQ4_0: each(load_blocks<dequantise_q4_0, 32, 18>); break;
    case DType::kQ4_1: each(load_blocks<dequantise_q4_1, 32, 20>); break;
    case DType::kQ5_0: each(load_blocks<dequantise_q5_0, 32, 22>); break;
    case DType::kQ5_1: each(load_blocks<dequantise_q5_1, 32, 24>); break;
    case DType::kQ2_K: each(load_blocks<dequantise_q2_k, 256, 84>); break;
    case DType::kQ3_K: each(load_blocks<dequantise_q3_k, 256, 110>); break;
    case DType::kQ4_K: each(load_blocks<dequantise_q4_k, 256, 144>); break;
    case DType::kQ5_K: each(load_blocks<dequantise_q5_k, 256, 176>); break;
    case DType::kQ6_K: each(load_blocks<dequantise_q6_k, 256, 210>); break;
    default: break;  // the launcher refuses
  }
  if (stored.scale_count == 0) return;
  const float factor = row_factor(stored, row_index);
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) x[run][i] *= factor;
  }
}

// Rows on their way to 8 bits, by a scale each where there is one.
template <typename Numbers>
struct FactoredRows : Numbers {
  using Taken = typename Numbers::Taken;

  StoredRows stored;

  __device__ float factor(int64_t row) const {
    return Numbers::factor(row) * (stored.scale_count == 0 ? 1.0f : row_factor(stored, row));
  }
  template <typename Rows, int kRows>
  __device__ void transform(Taken (&x)[kRows], const float (&factors)[kRows], int, int,
                            RowReduction<kRows>&) const {
    if constexpr (!Rows::kFactorsAfter) {
      if (stored.scale_count == 0) return;
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
#pragma unroll
        for (auto& run : x[i]) {
#pragma unroll
          for (float& value : run) value *= factors[i];
        }
      }
    }
  }
};

// Calls visit(Rows{}, numbers) with numbers of a byte each.
template <typename Pairs, typename Floats, typename Visitor>
void with_bytes(const StoredRows& stored, DType to, Visitor&& visit) {
  if (to == DType::kI8) return visit(TensorInt8Runs<Half>{}, Pairs{stored.from, stored.width});
  visit(ScaledE4M3Runs{}, Floats{stored.from, stored.width});
}

template <typename T, typename Visitor>
void with_floats(const StoredRows& stored, DType to, Visitor&& visit) {
  with_rows_of_floats(to, reinterpret_cast<const T*>(stored.from), stored.width, visit);
}

template <typename Visitor>
void with_blocks(const StoredRows& stored, DType to, int64_t rows, Visitor&& visit) {
  const auto width = static_cast<int>(block_elements(stored.dtype));
  const BlockBytes bytes{.from = stored.from,
                         .end = stored.from + rows * stored.row_bytes,
                         .row_bytes = stored.row_bytes,
                         .dtype = stored.dtype,
                         .block_width = width,
                         .block_bytes = static_cast<int>(storage_bytes(stored.dtype, width))};
  const auto with_groups = [&]<int kGroups>(std::integral_constant<int, kGroups>) {
    if (to == DType::kI8)
      return visit(TensorInt8Runs<Half>{}, BlockRows<LanePairs, kGroups>{bytes});
    visit(ScaledE4M3Runs{}, BlockRows<LaneRuns, kGroups>{bytes});
  };
  if (scales_of_32(stored.dtype) == 2) return with_groups(std::integral_constant<int, 2>{});
  with_groups(std::integral_constant<int, 1>{});
}

// Calls visit(Rows{}, numbers): the kind of rows for the 8-bit dtype, and a source of
// scaled_rows.cuh without scales.
template <typename Visitor>
void with_stored_numbers(const StoredRows& stored, DType to, int64_t rows, Visitor&& visit) {
  using Byte = uint8_t;
  switch (stored.dtype) {
    case DType::kF32: return with_floats<float>(stored, to, visit);
    case DType::kF16: return with_floats<Half>(stored, to, visit);
    case DType::kBF16: return with_floats<BF16>(stored, to, visit);
    case DType::kF8E4M3:
      return with_bytes<WarpNumbers<Byte, RunPairs, pair_e4m3>,
                        WarpNumbers<Byte, RunFloats, widen_e4m3>>(stored, to, visit);
    case DType::kF8E5M2:
      return with_bytes<WarpNumbers<Byte, RunPairs, pair_e5m2>,
                        WarpNumbers<Byte, RunFloats, widen_e5m2>>(stored, to, visit);
    case DType::kI8:
      return with_bytes<WarpNumbers<Byte, RunPairs, pair_int8, kInt8Offset>,
                        WarpNumbers<Byte, RunFloats, widen_int8>>(stored, to, visit);
    default: return with_blocks(stored, to, rows, visit);
  }
}

// To rows of 8 bits from odd addresses. One block per row: grid = rows, block = kThreads, shared =
// one float per warp. `numbers` may be stored.from: a row is in registers before the first byte of
// it is written.
template <typename Rows, int kThreads, int kRuns>
__global__ void __launch_bounds__(kThreads)
    prepare_scaled_kernel(const StoredRows stored, typename Rows::Number* numbers, float* scales) {
  const device::Shared<float[kThreads / device::kWarpSize]> partial;
  const int64_t row = blockIdx.x;
  const int64_t first = int64_t{threadIdx.x} * kRun;
  constexpr int kStride = kThreads * kRun;

  float values[kRuns][kRun];
  load_stored(stored, row, first, kStride, values);
  float amax = 0;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    Rows::prepare(values[run]);
    amax = numerics::larger_magnitude(amax, amax_of_run(values[run]));
  }
  const float scale = Rows::scale(device::block_amax<kThreads>(amax, *partial));
  if (threadIdx.x == 0) scales[row] = scale;
  const float inverse_scale = 1.0f / scale;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    const int64_t at = first + run * kStride;
    if (at < stored.width)
      Rows::store(values[run], inverse_scale, numbers + row * stored.width + at);
  }
}

constexpr int kPlainThreads = 256;

// A thread's run: where it is in which row, by a division of 32 bits.
struct RunPlace {
  uint32_t row;
  int64_t at;

  __device__ explicit RunPlace(uint32_t runs_of_row) {
    const uint32_t run = blockIdx.x * kPlainThreads + threadIdx.x;
    row = run / runs_of_row;
    at = int64_t{run - row * runs_of_row} * kRun;
  }
};

// Blocks for all runs.
dim3 run_grid(int64_t rows, int64_t width) {
  const int64_t runs = rows * ((width + kRun - 1) / kRun);
  REEL_REQUIRE(
      runs <= int64_t{UINT32_MAX} - kPlainThreads, kUnsupported,
      str_cat("the cuda backend prepares fewer than 2^32 runs of ", kRun, " numbers at once, not ",
              rows, " rows of ", width, " numbers: prepare some of the rows at a time."));
  return dim3(static_cast<unsigned>((runs + kPlainThreads - 1) / kPlainThreads));
}

// e4m3 of e4m3: the stored numbers and their scales. A run a thread: grid covers the runs of all
// rows, block = kPlainThreads. `numbers` may be stored.from.
__global__ void __launch_bounds__(kPlainThreads)
    keep_rows_kernel(const StoredRows stored, uint8_t* numbers, float* scales, int64_t rows) {
  const RunPlace place(static_cast<uint32_t>(stored.width / kRun));
  const int64_t row = place.row;
  if (row >= rows) return;
  const int64_t at = place.at;
  const RunOf<uint8_t> bytes = load_bytes(stored, stored.from + row * stored.row_bytes, at);
  *reinterpret_cast<RunOf<uint8_t>*>(numbers + row * stored.width + at) = bytes;
  if (at == 0) scales[row] = stored.scale_count == 0 ? 1.0f : row_factor(stored, row);
}

// To floats, a run a thread: grid covers the runs of all rows, block = kPlainThreads.
template <typename To>
__global__ void __launch_bounds__(kPlainThreads)
    prepare_plain_kernel(const StoredRows stored, To* to, int64_t rows, bool whole) {
  const RunPlace place(static_cast<uint32_t>((stored.width + kRun - 1) / kRun));
  const int64_t row = place.row;
  if (row >= rows) return;
  const int64_t at = place.at;
  float x[1][kRun];
  load_stored(stored, row, at, 0, x);
  store_run(to + row * stored.width, at, stored.width, whole, x[0]);
}

float* scales_of(const ops::PrepareRowsArgs& args) {
  return args.to_scale != nullptr ? args.to_scale : row_scales(args.to, args.rows * args.width);
}

void require_known(DType dtype) {
  const bool known = dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 ||
                     dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2 || dtype == DType::kI8 ||
                     is_block_format(dtype);
  REEL_REQUIRE(known, kUnsupported,
               str_cat("the cuda backend cannot prepare weights of ", dtype_name(dtype), "."));
}

template <typename Rows>
void launch_scaled(const StoredRows& stored, const ops::PrepareRowsArgs& args,
                   cudaStream_t stream) {
  with_row_block(args.width, [&](auto threads, auto runs) {
    constexpr int kThreads = threads;
    launch("prepare_rows", prepare_scaled_kernel<Rows, kThreads, runs>,
           {.grid = dim3(static_cast<unsigned>(args.rows)),
            .block = dim3(kThreads),
            .shared_bytes = sizeof(float) * kThreads / device::kWarpSize,
            .stream = stream},
           stored, static_cast<typename Rows::Number*>(args.to), scales_of(args));
  });
}

void launch_factored(const StoredRows& stored, const ops::PrepareRowsArgs& args,
                     cudaStream_t stream) {
  const ScaledRows out{.numbers = args.to,
                       .scales = scales_of(args),
                       .rows = args.rows,
                       .width = static_cast<int>(args.width)};
  with_stored_numbers(stored, args.to_dtype, args.rows,
                      [&]<typename Rows, typename Numbers>(Rows, const Numbers& numbers) {
                        const FactoredRows<Numbers> source{numbers, stored};
                        launch_scaled_rows<Rows>("prepare_rows", source, out, stream);
                      });
}

void launch_keep(const StoredRows& stored, const ops::PrepareRowsArgs& args, cudaStream_t stream) {
  launch("prepare_rows", keep_rows_kernel,
         {.grid = run_grid(args.rows, args.width), .block = dim3(kPlainThreads), .stream = stream},
         stored, static_cast<uint8_t*>(args.to), scales_of(args), args.rows);
}

}  // namespace

void prepare_rows(const ops::PrepareRowsArgs& args, Stream stream) {
  require_known(args.from_dtype);
  if (args.rows == 0 || args.width == 0) return;
  const StoredRows stored{.from = static_cast<const uint8_t*>(args.from),
                          .dtype = args.from_dtype,
                          .scale = args.scale,
                          .scale_dtype = args.scale_dtype,
                          .scale_count = args.scale_count,
                          .width = args.width,
                          .row_bytes = storage_bytes(args.from_dtype, args.width),
                          .whole = whole_runs(args.from, args.width)};
  const auto cuda_stream = static_cast<cudaStream_t>(stream.handle);
  if (args.to_dtype == DType::kF8E4M3 && args.from_dtype == DType::kF8E4M3) {
    return launch_keep(stored, args, cuda_stream);
  }
  if (has_row_scales(args.to_dtype)) {
    if (is_block_format(args.from_dtype) || (stored.whole && stored.row_bytes % 16 == 0)) {
      return launch_factored(stored, args, cuda_stream);
    }
    return with_scaled_rows(args.to_dtype, [&]<typename Rows>(Rows) {
      launch_scaled<Rows>(stored, args, cuda_stream);
    });
  }
  with_element_type(args.to_dtype, [&]<typename To>(To) {
    launch("prepare_rows", prepare_plain_kernel<To>,
           {.grid = run_grid(args.rows, args.width),
            .block = dim3(kPlainThreads),
            .stream = cuda_stream},
           stored, static_cast<To*>(args.to), args.rows, whole_runs(args.to, args.width));
  });
}

}  // namespace reel::cuda
