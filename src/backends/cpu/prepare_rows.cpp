// SPDX-License-Identifier: Apache-2.0
// The reference for weights that are prepared where they arrive.
#include <cstring>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/block_formats.h"
#include "core/int8_layout.h"

namespace reel::cpu::reference {
namespace {

float stored_number(const void* data, DType dtype, int64_t at) {
  switch (dtype) {
    case DType::kF8E4M3: return numerics::f8_e4m3_to_float(static_cast<const uint8_t*>(data)[at]);
    case DType::kF8E5M2: return numerics::f8_e5m2_to_float(static_cast<const uint8_t*>(data)[at]);
    case DType::kI8: return static_cast<const int8_t*>(data)[at];
    default: return load(data, dtype, at);
  }
}

float scale_of(const ops::PrepareRowsArgs& args, int64_t row) {
  if (args.scale_count == 0) return 1;
  return load(args.scale, args.scale_dtype, args.scale_count == 1 ? 0 : row);
}

// The row in f32, scaled. A copy: `to` may be `from`.
std::vector<float> stored_row(const ops::PrepareRowsArgs& args, int64_t row) {
  std::vector<float> values(static_cast<size_t>(args.width));
  const auto* from =
      static_cast<const std::byte*>(args.from) + storage_bytes(args.from_dtype, row * args.width);
  if (is_block_format(args.from_dtype)) {
    dequantise_blocks(args.from_dtype, from, args.width, values.data());
  } else {
    for (int64_t at = 0; at < args.width; ++at) {
      values[static_cast<size_t>(at)] = stored_number(from, args.from_dtype, at);
    }
  }
  if (args.scale_count == 0) return values;
  const float scale = scale_of(args, row);
  for (float& value : values) value *= scale;
  return values;
}

float* scales_of(const ops::PrepareRowsArgs& args) {
  return args.to_scale != nullptr ? args.to_scale : row_scales(args.to, args.rows * args.width);
}

// e4m3 of e4m3: the stored numbers and their scales.
void keep_rows(const ops::PrepareRowsArgs& args) {
  const int64_t numbers = args.rows * args.width;
  std::memmove(args.to, args.from, static_cast<size_t>(numbers));
  for (int64_t row = 0; row < args.rows; ++row) {
    scales_of(args)[row] = scale_of(args, row);
  }
}

}  // namespace

void prepare_rows(const ops::PrepareRowsArgs& args, Stream) {
  if (args.to_dtype == DType::kF8E4M3 && args.from_dtype == DType::kF8E4M3) return keep_rows(args);
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      std::vector<float> values = stored_row(args, row);
      const int64_t start = row * args.width;
      if (args.to_dtype == DType::kI8) {
        scales_of(args)[row] = quantise_row(values, static_cast<int8_t*>(args.to) + start);
        continue;
      }
      if (args.to_dtype == DType::kF8E4M3) {
        scales_of(args)[row] = quantise_row_e4m3(values, static_cast<uint8_t*>(args.to) + start);
        continue;
      }
      for (int64_t at = 0; at < args.width; ++at) {
        store(args.to, args.to_dtype, start + at, values[static_cast<size_t>(at)]);
      }
    }
  });
}

}  // namespace reel::cpu::reference
