// SPDX-License-Identifier: Apache-2.0
#include "support/prepare_problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ostream>
#include <random>

#include "core/block_formats.h"
#include "core/int8_layout.h"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"
#include "core/packed_weights.h"
#include "support/random_tensor.h"

namespace reel::test {
namespace {

// Random values quantised by the simple quantisers, or random bits that are numbers.
std::vector<std::byte> stored_bytes(const PrepareCase& which, uint64_t seed) {
  const int64_t elements = which.rows * which.width;
  std::vector<std::byte> bytes(static_cast<size_t>(storage_bytes(which.from, elements)));
  const Tensor values = random_tensor({which.rows, which.width}, DType::kF32, seed, -2, 3);
  if (which.edges) std::ranges::fill(values.values<float>().first(size_t(which.width)), 0.0f);
  const float* from = values.view().as<float>();
  if (is_block_format(which.from)) {
    quantise_blocks(which.from, from, elements, bytes.data());
    return bytes;
  }
  for (int64_t at = 0; at < elements; ++at) {
    const float value = from[at];
    void* to = bytes.data() + storage_bytes(which.from, at);
    switch (which.from) {
      case DType::kF32: *static_cast<float*>(to) = value; break;
      case DType::kF16: *static_cast<Half*>(to) = Half(value); break;
      case DType::kBF16: *static_cast<BF16*>(to) = BF16(value); break;
      case DType::kF8E4M3:
        *static_cast<uint8_t*>(to) = numerics::float_to_f8_e4m3(100 * value);
        break;
      case DType::kF8E5M2: *static_cast<uint8_t*>(to) = numerics::float_to_f8_e5m2(value); break;
      default: *static_cast<int8_t*>(to) = static_cast<int8_t>(40 * value); break;
    }
  }
  return bytes;
}

void put_odd_scales(const Tensor& scales) {
  constexpr float kScales[] = {-1.5f, 0, 1};
  const auto values = scales.values<float>();
  for (size_t at = 0; at < values.size(); ++at) values[at] = kScales[at % 3];
}

int64_t scale_bytes(const PrepareCase& which) {
  return 4 * which.rows * (which.scales_apart ? 2 : 1);
}

int64_t prepared_bytes(const PrepareCase& which) {
  const int64_t numbers = storage_bytes(which.to, which.rows * which.width);
  return has_row_scales(which.to) ? scales_offset_bytes(numbers) + scale_bytes(which) : numbers;
}

// The numbers of rows of f32, each block of 128 rotated in double.
std::vector<double> rotated(const std::vector<uint8_t>& floats) {
  std::vector<double> x(floats.size() / sizeof(float));
  for (size_t at = 0; at < x.size(); ++at) {
    float value;
    std::memcpy(&value, &floats[at * sizeof value], sizeof value);
    x[at] = value;
  }
  for (size_t half = 1; half < numerics::kRotationBlock; half *= 2) {
    for (size_t at = 0; at < x.size(); ++at) {
      if ((at & half) != 0) continue;
      const double a = x[at];
      const double b = x[at + half];
      x[at] = a + b;
      x[at + half] = a - b;
    }
  }
  for (double& value : x) value /= std::sqrt(double{numerics::kRotationBlock});
  return x;
}

// Block formats are rotated as f16, which also rounds the steps that numbers have in common.
void expect_rotated_near(const PrepareCase& which, const std::vector<uint8_t>& got,
                         const std::vector<double>& exact) {
  const bool rounded = is_block_format(which.from);
  const auto width = static_cast<size_t>(which.width);
  const auto rows = static_cast<size_t>(which.rows);
  ASSERT_EQ(exact.size(), rows * width);
  for (size_t row = 0; row < rows; ++row) {
    float scale;
    std::memcpy(&scale, &got[got.size() - 4 * (rows - row)], sizeof scale);
    double amax = double{numerics::kSmallestAmax};
    for (size_t at = row * width; at < (row + 1) * width; ++at) {
      amax = std::max(amax, std::abs(exact[at]));
    }
    ASSERT_NEAR(scale, amax / 127, (rounded ? 1e-3 : 1e-6) * amax / 127) << "row " << row;
    for (size_t at = row * width; at < (row + 1) * width; ++at) {
      ASSERT_NEAR(static_cast<int8_t>(got[at]), exact[at] / double{scale},
                  0.5 + (rounded ? 0.1 : 1e-4))
          << "row " << row << ", column " << at % width;
    }
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const PrepareCase& which) {
  return out << '[' << which.rows << ", " << which.width << "] " << which.from << " to " << which.to
             << ", " << which.scales << " scales of " << which.scale
             << (which.in_place ? ", in place" : "") << (which.edges ? ", edges" : "")
             << (which.scales_apart ? ", scales apart" : "");
}

std::vector<DType> stored_dtypes() {
  return {DType::kF32,  DType::kF16,  DType::kBF16, DType::kF8E4M3, DType::kF8E5M2, DType::kI8,
          DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,   DType::kQ2_K,
          DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};
}

std::vector<uint8_t> run_prepare(const PrepareCase& which, uint64_t seed, PrepareKernel kernel,
                                 MemorySpace& space) {
  const std::vector<std::byte> stored = stored_bytes(which, seed);
  const Tensor scales =
      random_tensor({std::max<int64_t>(1, which.scales)}, which.scale, seed + 1, 0.5f, 2);
  if (which.edges) put_odd_scales(scales);
  const auto size = static_cast<size_t>(prepared_bytes(which));
  const Buffer from(space, stored.size(), "stored");
  const Buffer scale(space, scales.bytes().size(), "scales");
  const Buffer to(space, size, "prepared");
  space.upload(from.data(), stored.data(), stored.size(), {});
  space.upload(scale.data(), scales.view().data, scales.bytes().size(), {});
  std::vector<uint8_t> result(size, 0xff);
  space.upload(to.data(), result.data(), size, {});
  if (which.in_place) space.upload(to.data(), stored.data(), stored.size(), {});

  const int64_t numbers = which.rows * which.width;
  kernel({.from = which.in_place ? to.data() : from.data(),
          .from_dtype = which.from,
          .scale = which.scales == 0 ? nullptr : scale.data(),
          .scale_dtype = which.scale,
          .scale_count = which.scales,
          .rows = which.rows,
          .width = which.width,
          .to_dtype = which.to,
          .to = to.data(),
          .to_scale = which.scales_apart ? row_scales(to.data(), numbers) + which.rows : nullptr},
         {});

  space.download(result.data(), to.data(), size, {});
  if (has_row_scales(which.to)) {
    std::memset(result.data() + numbers, 0,
                static_cast<size_t>(scales_offset_bytes(numbers) - numbers));
  }
  return result;
}

void expect_prepared_like(const PrepareCase& which, uint64_t seed, PrepareKernel reference,
                          PrepareKernel kernel, MemorySpace& space) {
  const std::vector<uint8_t> got = run_prepare(which, seed, kernel, space);
  const std::vector<uint8_t> want = run_prepare(which, seed, reference);
  if (which.to != DType::kI8 || which.from == DType::kF32) {
    EXPECT_TRUE(got == want);  // no EXPECT_EQ: it would print a million bytes
    return;
  }
  PrepareCase floats = which;
  floats.to = DType::kF32;
  floats.in_place = floats.scales_apart = false;
  const std::vector<uint8_t> exact = run_prepare(floats, seed, reference);
  expect_rotated_near(which, got, rotated(exact));
}

}  // namespace reel::test
