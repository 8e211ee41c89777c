// SPDX-License-Identifier: Apache-2.0
#include "support/linear_problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ostream>
#include <random>

#include "core/int8_layout.h"
#include "core/packed_weights.h"
#include "support/random_tensor.h"

namespace reel::test {
namespace {

constexpr const char* kEpilogues[] = {"store", "gelu", "silu", "add", "gated add"};
constexpr uint8_t kPoison = 0xff;
constexpr size_t kGuardBytes = 256;

bool adds(const LinearCase& which) {
  return which.epilogue == ops::Epilogue::kAdd || which.epilogue == ops::Epilogue::kGatedAdd;
}

// -127 to 127 for i8; every finite e4m3 number.
void fill_8_bits(DType dtype, uint8_t* to, int64_t count, uint64_t seed) {
  std::mt19937_64 bits(seed);
  for (int64_t at = 0; at < count; ++at) {
    const auto number = static_cast<uint8_t>(bits() % 127 + bits() % 2 * 128);
    to[at] = dtype == DType::kF8E4M3 ? number : static_cast<uint8_t>(bits() % 255 + 129);
  }
}

Tensor random_weight(const LinearCase& which, uint64_t seed) {
  if (!has_row_scales(which.weight))
    return random_tensor({which.out, which.in}, which.weight, seed);
  const int64_t numbers = which.out * which.in;
  Tensor packed(DType::kU8, {scales_offset_bytes(numbers) + 4 * which.out});
  fill_8_bits(which.weight, packed.view().as<uint8_t>(), numbers, seed);
  const Tensor scales = random_tensor({which.out}, DType::kF32, seed + 1, 1e-4f, 2e-4f);
  std::memcpy(row_scales(packed.view().data, numbers), scales.view().data, scales.bytes().size());
  return packed;
}

Tensor random_x(const LinearCase& which, uint64_t seed) {
  const Shape shape{which.rows, which.in};
  if (!has_row_scales(which.x)) return random_tensor(shape, which.x, seed);
  Tensor x(which.x, shape);
  fill_8_bits(which.x, x.view().as<uint8_t>(), shape.elements(), seed);
  return x;
}

// A copy in `space` with poison behind it.
class Placed {
 public:
  Placed(MemorySpace& space, const void* from, size_t size_bytes)
      : space_(space),
        size_bytes_(size_bytes),
        memory_(space, size_bytes + kGuardBytes, "test input") {
    const std::vector<uint8_t> guard(kGuardBytes, kPoison);
    if (size_bytes > 0) space.upload(memory_.data(), from, size_bytes, {});
    space.upload(memory_.data() + size_bytes, guard.data(), kGuardBytes, {});
  }
  explicit Placed(MemorySpace& space, const Tensor& tensor)
      : Placed(space, tensor.view().data, tensor.bytes().size()) {}

  std::byte* data() const { return memory_.data(); }
  Tensor back(DType dtype, const Shape& shape) const {
    std::vector<uint8_t> guard(kGuardBytes);
    space_.download(guard.data(), memory_.data() + size_bytes_, kGuardBytes, {});
    EXPECT_EQ(std::count(guard.begin(), guard.end(), kPoison), kGuardBytes)
        << "wrote behind the result";
    Tensor tensor(dtype, shape);
    space_.download(tensor.view().data, memory_.data(), tensor.bytes().size(), {});
    return tensor;
  }

 private:
  MemorySpace& space_;
  size_t size_bytes_;
  Buffer memory_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const LinearCase& which) {
  return out << '[' << which.rows << " x " << which.in << "] " << which.x << " by " << which.out
             << " columns of " << which.weight << " to " << which.result << ", "
             << kEpilogues[static_cast<int>(which.epilogue)] << (which.bias ? ", bias" : "")
             << (which.squares ? ", squares" : "");
}

LinearInputs linear_inputs(const LinearCase& which, uint64_t seed) {
  const Shape shape{which.rows, which.out};
  LinearInputs inputs;
  inputs.x = random_x(which, seed + 10);
  inputs.x_scale = random_tensor({which.rows}, DType::kF32, seed + 20, 0.01f, 0.02f);
  inputs.weight = random_weight(which, seed + 30);
  inputs.bias = random_tensor({which.out}, DType::kF32, seed + 40);
  inputs.gate = random_tensor({which.out}, DType::kF32, seed + 50);
  inputs.start = adds(which) ? random_tensor(shape, which.result, seed + 60)
                             : poisoned_tensor(shape, which.result);
  return inputs;
}

LinearResult run_linear(const LinearCase& which, const LinearInputs& inputs, LinearKernel kernel,
                        MemorySpace& space, int64_t begin, int64_t rows) {
  const auto row_of = [&](const Tensor& tensor, int64_t width) {
    return static_cast<const std::byte*>(tensor.view().data) +
           storage_bytes(tensor.dtype(), begin * width);
  };
  const auto size = [&](DType dtype, int64_t width) {
    return static_cast<size_t>(storage_bytes(dtype, rows * width));
  };
  const int64_t groups = which.squares ? which.out / 128 : 0;
  const Tensor no_squares = poisoned_tensor({std::max<int64_t>(1, rows * groups)}, DType::kF32);
  const Placed x(space, row_of(inputs.x, which.in), size(which.x, which.in));
  const Placed x_scale(space, row_of(inputs.x_scale, 1), size(DType::kF32, 1));
  const Placed weight(space, inputs.weight);
  const Placed bias(space, inputs.bias);
  const Placed gate(space, inputs.gate);
  const Placed out(space, row_of(inputs.start, which.out), size(which.result, which.out));
  const Placed squares(space, no_squares);

  kernel(
      {.x = x.data(),
       .x_dtype = which.x,
       .x_scale =
           has_row_scales(which.x) ? reinterpret_cast<const float*>(x_scale.data()) : nullptr,
       .weight = {.data = weight.data(), .dtype = which.weight, .out = which.out, .in = which.in},
       .bias = which.bias ? reinterpret_cast<const float*>(bias.data()) : nullptr,
       .gate = which.epilogue == ops::Epilogue::kGatedAdd
                   ? reinterpret_cast<const float*>(gate.data())
                   : nullptr,
       .out = out.data(),
       .out_dtype = which.result,
       .rows = rows,
       .epilogue = which.epilogue,
       .sum_squares = which.squares ? reinterpret_cast<float*>(squares.data()) : nullptr},
      {});

  LinearResult result;
  result.out = out.back(which.result, {rows, which.out});
  if (which.squares) result.squares = squares.back(DType::kF32, {rows, groups});
  return result;
}

double linear_tolerance(const LinearCase& which) {
  switch (which.result) {
    case DType::kBF16: return 2e-3;
    case DType::kF16: return 3e-4;
    default: break;
  }
  if (which.weight == DType::kI8) return 1e-6;
  // A sum of n rounded terms drifts by about sqrt(n) / 2 steps of 2^-24, and the result is sqrt(n)
  // terms large. Tensor cores add 16 terms at a time and cut where f32 would round: always down.
  const auto terms = static_cast<double>(which.in);
  const double cut = which.weight == DType::kF32 ? 0 : 6e-8 * terms / 16;
  return 1e-6 + 6e-8 * std::sqrt(terms) + cut;
}

}  // namespace reel::test
