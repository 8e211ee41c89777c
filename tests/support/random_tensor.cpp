// SPDX-License-Identifier: Apache-2.0
#include "support/random_tensor.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "core/numerics/small_floats.h"

namespace reel::test {

Tensor random_tensor(const Shape& shape, DType dtype, uint64_t seed, float low, float high) {
  Tensor tensor(dtype, shape);
  std::mt19937_64 bits(seed);
  for (int64_t at = 0; at < shape.elements(); ++at) {
    const float unit = static_cast<float>(bits() >> 40) * 0x1p-24f;
    const float value = low + (high - low) * unit;
    if (dtype == DType::kBF16) {
      tensor.view().as<BF16>()[at] = BF16(value);
    } else if (dtype == DType::kF16) {
      tensor.view().as<Half>()[at] = Half(value);
    } else {
      tensor.view().as<float>()[at] = value;
    }
  }
  return tensor;
}

Tensor poisoned_tensor(const Shape& shape, DType dtype) {
  Tensor tensor(dtype, shape);
  std::memset(tensor.bytes().data(), 0xff, tensor.bytes().size());
  return tensor;
}

Tensor copy_of(const TensorView& from) {
  Tensor tensor(from.dtype, from.shape);
  std::memcpy(tensor.bytes().data(), from.data, tensor.bytes().size());
  return tensor;
}

float value_at(const TensorView& tensor, int64_t at) {
  switch (tensor.dtype) {
    case DType::kBF16: return tensor.as<BF16>()[at];
    case DType::kF16: return tensor.as<Half>()[at];
    default: return tensor.as<float>()[at];
  }
}

namespace {

template <typename Got, typename Want>
double error_of(int64_t count, const Got& got, const Want& want) {
  double difference = 0;
  double length = 0;
  for (int64_t at = 0; at < count; ++at) {
    const double a = got(at);
    const double b = want(at);
    if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
    difference += (a - b) * (a - b);
    length += b * b;
  }
  return std::sqrt(difference / std::max(length, 1e-300));
}

}  // namespace

double relative_error(const TensorView& got, const TensorView& want) {
  return error_of(
      want.elements(), [&](int64_t at) { return value_at(got, at); },
      [&](int64_t at) { return value_at(want, at); });
}

double relative_error(std::span<const float> got, std::span<const float> want) {
  return error_of(
      static_cast<int64_t>(want.size()), [&](int64_t at) { return got[static_cast<size_t>(at)]; },
      [&](int64_t at) { return want[static_cast<size_t>(at)]; });
}

}  // namespace reel::test
