// SPDX-License-Identifier: Apache-2.0
// FP8 products on CPUs that have none: e4m3 numbers are exact in f32 and in bf16, and so are their
// products in f32, so the kernels of those multiply them; scaled after.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/int8_layout.h"
#include "core/numerics/small_floats.h"

namespace reel::cpu::onednn {
namespace {

// What carries the numbers through the product: bf16 where the CPU multiplies it.
DType carrier() { return preferred_compute(); }

// Slots of scratch_floats() that plain products leave alone.
constexpr int kWidenedSlot = 2;
constexpr int kSumsSlot = 3;

template <typename To>
const std::array<To, 256>& all_e4m3() {
  static const std::array<To, 256> table = [] {
    std::array<To, 256> numbers{};
    for (int bits = 0; bits < 256; ++bits) {
      numbers[static_cast<size_t>(bits)] =
          static_cast<To>(numerics::f8_e4m3_to_float(static_cast<uint8_t>(bits)));
    }
    return numbers;
  }();
  return table;
}

template <typename To>
void widen_to(const uint8_t* from, int64_t count, To* to) {
  const auto& table = all_e4m3<To>();
  parallel_for(count, 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) to[at] = table[from[at]];
  });
}

void widen(const void* from, int64_t count, void* to) {
  const auto* bits = static_cast<const uint8_t*>(from);
  if (carrier() == DType::kBF16) return widen_to(bits, count, static_cast<BF16*>(to));
  widen_to(bits, count, static_cast<float*>(to));
}

int64_t number_bytes(int64_t out, int64_t in) { return packed_matrix_bytes(carrier(), out, in); }

}  // namespace

int64_t packed_fp8_bytes(int64_t out, int64_t in) {
  return scales_offset_bytes(number_bytes(out, in)) + storage_bytes(DType::kF32, out);
}

void pack_fp8(const ops::PackMatrixArgs& args, Stream stream_of_call) {
  const int64_t numbers = args.out * args.in;
  std::vector<std::byte> widened(static_cast<size_t>(storage_bytes(carrier(), numbers)));
  widen(args.from, numbers, widened.data());
  pack_matrix({.from = widened.data(),
               .dtype = carrier(),
               .row_scale = nullptr,
               .out = args.out,
               .in = args.in,
               .to = args.to},
              stream_of_call);
  std::copy_n(args.row_scale, args.out, row_scales(args.to, number_bytes(args.out, args.in)));
}

void fp8_linear(const ops::LinearArgs& args, Stream stream_of_call) {
  const MatrixView& w = args.weight;
  float* const x = scratch_floats(kWidenedSlot, args.rows * w.in);
  float* const sums = scratch_floats(kSumsSlot, args.rows * w.out);
  widen(args.x, args.rows * w.in, x);
  linear({.x = x,
          .x_dtype = carrier(),
          .x_scale = nullptr,
          .weight = {.data = w.data, .dtype = carrier(), .out = w.out, .in = w.in},
          .bias = nullptr,
          .gate = nullptr,
          .out = sums,
          .out_dtype = DType::kF32,
          .rows = args.rows,
          .epilogue = ops::Epilogue::kStore,
          .sum_squares = nullptr},
         stream_of_call);
  finish_scaled_rows(args, {.ints = nullptr,
                            .floats = sums,
                            .column_scales = row_scales(w.data, number_bytes(w.out, w.in))});
}

}  // namespace reel::cpu::onednn
