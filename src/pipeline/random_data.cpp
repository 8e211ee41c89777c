// SPDX-License-Identifier: Apache-2.0
#include "pipeline/random_data.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "core/int8_layout.h"
#include "core/numerics/small_floats.h"

namespace reel::pipeline {
namespace {

constexpr int64_t kPeriod = int64_t{1} << 22;
// Of 8-bit weights: keeps what comes out of products as large as what goes in.
constexpr float kWeightScale = 1e-4f;
constexpr float kConvAmplitude = 1e-2f;

// Source: Steele et al. 2014, "Fast splittable pseudorandom number generators", SplitMix64.
uint64_t next(uint64_t& state) {
  uint64_t x = state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

float uniform(uint64_t& state) { return static_cast<float>(next(state) >> 40) * 0x1p-23f - 1.0f; }

template <typename T, typename Convert>
std::vector<std::byte> numbers(int64_t count, uint64_t seed, float amplitude, Convert convert) {
  std::vector<std::byte> bytes(static_cast<size_t>(count) * sizeof(T));
  for (int64_t at = 0; at < count; ++at) {
    const T value = convert(amplitude * uniform(seed));
    std::memcpy(bytes.data() + static_cast<size_t>(at) * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

std::vector<std::byte> numbers(DType dtype, int64_t count, uint64_t seed, float amplitude) {
  switch (dtype) {
    case DType::kF32: return numbers<float>(count, seed, amplitude, [](float x) { return x; });
    case DType::kF16: return numbers<uint16_t>(count, seed, amplitude, numerics::float_to_f16);
    case DType::kBF16: return numbers<uint16_t>(count, seed, amplitude, numerics::float_to_bf16);
    case DType::kF8E4M3:
      return numbers<uint8_t>(count, seed, amplitude, numerics::float_to_f8_e4m3);
    case DType::kI8:
      return numbers<int8_t>(count, seed, amplitude,
                             [](float x) { return static_cast<int8_t>(127 * x); });
    default: fail(ErrorCode::kInternal, str_cat("random numbers of ", dtype));
  }
}

}  // namespace

TensorView RandomData::uninitialised(DType dtype, const Shape& shape) {
  return tensors_.emplace_back(ctx_.memory, dtype, shape, "benchmark data");
}

TensorView RandomData::tensor(DType dtype, const Shape& shape, float amplitude) {
  const TensorView made = uninitialised(dtype, shape);
  const std::vector<std::byte> period =
      numbers(dtype, std::min(kPeriod, shape.elements()), seed_++, amplitude);
  const auto size = static_cast<size_t>(made.size_bytes());
  for (size_t at = 0; at < size; at += period.size()) {
    ctx_.memory.upload(made.as<std::byte>() + at, period.data(), std::min(period.size(), size - at),
                       ctx_.stream);
  }
  return made;
}

MatrixView RandomData::matrix(DType dtype, int64_t out, int64_t in) {
  const auto size = ctx_.kernels.packed_matrix_bytes(dtype, out, in);
  const TensorView to = uninitialised(DType::kU8, {size});
  const TensorView rows = tensor(dtype, {out, in}, dtype == DType::kI8 ? 1 : kWeightScale * 127);
  const TensorView scales = tensor(DType::kF32, {out}, kWeightScale);
  if (ctx_.kernels.pack_matrix != nullptr) {
    ctx_.kernels.pack_matrix({.from = rows.data,
                              .dtype = dtype,
                              .row_scale = dtype == DType::kI8 ? scales.as<float>() : nullptr,
                              .out = out,
                              .in = in,
                              .to = to.data},
                             ctx_.stream);
  } else {
    // Plain rows, as prepare_rows leaves them.
    ctx_.memory.copy(to.data, rows.data, static_cast<size_t>(rows.size_bytes()), ctx_.stream);
    if (dtype == DType::kI8) {
      ctx_.memory.copy(to.as<std::byte>() + scales_offset_bytes(rows.size_bytes()), scales.data,
                       static_cast<size_t>(scales.size_bytes()), ctx_.stream);
    }
  }
  return {.data = to.data, .dtype = dtype, .out = out, .in = in};
}

nn::Linear RandomData::linear(DType matrices, int64_t out, int64_t in) {
  return {.weight = matrix(matrices, out, in), .bias = tensor(DType::kF32, {out})};
}

ConvView RandomData::conv(const ConvShape& shape) {
  const int64_t kernel = shape.taps * shape.kernel_rows * shape.kernel_cols;
  const TensorView from =
      tensor(DType::kF32, {shape.out_channels, shape.in_channels * kernel}, kConvAmplitude);
  const TensorView to =
      uninitialised(DType::kU8, {ctx_.kernels.packed_conv_bytes(ctx_.compute, shape)});
  ctx_.kernels.pack_conv(
      {.from = from.as<float>(), .shape = shape, .dtype = ctx_.compute, .to = to.data},
      ctx_.stream);
  return {.data = to.data, .dtype = ctx_.compute, .shape = shape};
}

}  // namespace reel::pipeline
