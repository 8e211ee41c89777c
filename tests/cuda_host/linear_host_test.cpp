// SPDX-License-Identifier: Apache-2.0
// The kernels of matrix products on the CPU: odd sizes, every epilogue, random data.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"
#include "cuda_host/machine.h"
#include "support/linear_problem.h"
#include "support/random_tensor.h"

namespace reel::cuda {

// So that a block takes several tiles.
int processor_count() { return 2; }
int64_t blocks_that_share(size_t) { return 1; }

namespace {

using cuda_host::input_seed;
using ops::Epilogue;
using test::linear_inputs;
using test::LinearCase;
using test::relative_error;
using test::run_linear;

constexpr Epilogue kEpilogues[] = {Epilogue::kStore, Epilogue::kGeluTanh, Epilogue::kSilu,
                                   Epilogue::kAdd, Epilogue::kGatedAdd};
constexpr DType kFloats[] = {DType::kF32, DType::kBF16, DType::kF16};

// What linear() gives, compared with the reference.
test::LinearResult result_like_reference(const LinearCase& which,
                                         const test::LinearInputs& inputs) {
  test::LinearResult got = run_linear(which, inputs, linear);
  const test::LinearResult want = run_linear(which, inputs, cpu::reference::linear);
  EXPECT_LT(relative_error(got.out, want.out), linear_tolerance(which));
  if (which.squares) {
    EXPECT_LT(relative_error(got.squares, want.squares), 2 * linear_tolerance(which));
  }
  return got;
}

void expect_like_reference(const LinearCase& which) {
  SCOPED_TRACE(testing::Message() << which);
  result_like_reference(which, linear_inputs(which, input_seed()));
}

LinearCase int8_case(int64_t rows, int64_t in, int64_t out) {
  return {.rows = rows, .in = in, .out = out, .x = DType::kI8, .weight = DType::kI8};
}

TEST(CudaInt8Linear, TakesAnyNumberOfRowsAndColumns) {
  struct Size {
    int64_t rows, in, out;
  };
  // One row; a tile less, whole and more; columns that are no multiple of eight, or of 128.
  for (const Size size : {Size{1, 128, 1}, Size{63, 128, 127}, Size{64, 256, 128},
                          Size{65, 384, 200}, Size{130, 128, 261}, Size{17, 640, 264}}) {
    expect_like_reference(int8_case(size.rows, size.in, size.out));
  }
}

TEST(CudaInt8Linear, TakesManyRowsInLargeTiles) {
  // Rows end inside the fifth tile; two blocks share the tiles.
  expect_like_reference(int8_case(1030, 128, 130));
  LinearCase squares = int8_case(1024, 256, 256);
  squares.squares = true;
  squares.result = DType::kBF16;
  expect_like_reference(squares);
}

TEST(CudaInt8Linear, EndsInEveryEpilogue) {
  for (const Epilogue epilogue : kEpilogues) {
    for (const DType result : kFloats) {
      const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
      if (adds && result == DType::kBF16) continue;
      if (epilogue == Epilogue::kGatedAdd && result != DType::kF32) continue;
      LinearCase which = int8_case(70, 128, 128);
      which.epilogue = epilogue;
      which.result = result;
      which.squares = epilogue == Epilogue::kStore || adds;
      which.bias = result != DType::kF16;
      expect_like_reference(which);
    }
  }
}

// A result does not depend on how its rows are cut into calls, and so not on the kernel: fewer rows
// take small tiles, whose end knows neither epilogue nor dtype.
void expect_same_bytes(const LinearCase& which, const test::LinearInputs& inputs,
                       const test::LinearResult& whole, int64_t begin, int64_t rows) {
  const test::LinearResult part = run_linear(which, inputs, linear, host_memory(), begin, rows);
  const auto same = [&](const Tensor& of_part, const Tensor& of_whole) {
    return std::memcmp(of_part.view().data, of_whole.view().slice(begin, rows).data,
                       of_part.bytes().size()) == 0;
  };
  EXPECT_TRUE(same(part.out, whole.out));
  if (which.squares) {
    EXPECT_TRUE(same(part.squares, whole.squares));
  }
}

TEST(CudaInt8Linear, GivesTheSameBytesWhateverTheChunk) {
  LinearCase which = int8_case(1100, 128, 128);
  which.epilogue = Epilogue::kGeluTanh;
  which.result = DType::kBF16;
  which.squares = true;
  const test::LinearInputs inputs = linear_inputs(which, input_seed());
  expect_same_bytes(which, inputs, run_linear(which, inputs, linear), 500, 77);
}

// Rows end inside the fifth tile; two blocks share the tiles.
void expect_known_end(const LinearCase& which) {
  SCOPED_TRACE(testing::Message() << which);
  const test::LinearInputs inputs = linear_inputs(which, input_seed());
  const test::LinearResult got = result_like_reference(which, inputs);
  expect_same_bytes(which, inputs, got, which.rows - 90, 90);
}

TEST(CudaInt8Linear, EndsLargeTilesByKernelsThatKnowTheEpilogue) {
  // One to six slots of depth: terms of columns come with the third, or are waited for.
  int64_t slots = 0;
  for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kGeluTanh, Epilogue::kGatedAdd}) {
    for (const DType result : kFloats) {
      slots = (slots + 4) % 6 + 1;  // 5, 4, 3, 2, 1, 6, ...
      LinearCase which = int8_case(1030, 64 * slots, result == DType::kF16 ? 160 : 96);
      which.epilogue = epilogue;
      which.result = result;
      which.bias = result != DType::kF16;
      expect_known_end(which);
    }
  }
  for (const int64_t depth : {48, 208}) {
    LinearCase adds = int8_case(1025, depth, 32);
    adds.epilogue = Epilogue::kAdd;
    expect_known_end(adds);
  }
}

TEST(CudaInt8Linear, AddsSquaresOfLargeTiles) {
  for (const DType result : kFloats) {
    LinearCase which = int8_case(1025, result == DType::kF32 ? 80 : 272, 128);
    which.result = result;
    which.squares = true;
    expect_known_end(which);
  }
}

TEST(CudaInt8Linear, SumsExactlyWhereInt32IsNearlyFull) {
  LinearCase which = int8_case(3, 13824, 8);
  which.bias = false;
  const test::LinearInputs inputs = linear_inputs(which, input_seed());
  // 13824 * 127 * 127 = 222,967,296, less 2 * 127 where one sign differs.
  std::memset(inputs.x.view().data, 127, inputs.x.bytes().size());
  std::memset(inputs.weight.view().data, 127, static_cast<size_t>(which.out * which.in));
  inputs.weight.view().as<int8_t>()[5 * which.in + 7000] = -127;
  for (float& scale : inputs.x_scale.values<float>()) scale = 1;
  auto* scales = reinterpret_cast<float*>(inputs.weight.view().as<char>() + which.out * which.in);
  for (int column = 0; column < 8; ++column) scales[column] = 1;

  const test::LinearResult got = run_linear(which, inputs, linear);

  EXPECT_EQ(got.out.values<float>()[0], 222967296.0f);
  EXPECT_EQ(got.out.values<float>()[8 + 5], 222967296.0f - 2 * 127 * 127);
}

LinearCase fp8_case(int64_t rows, int64_t in, int64_t out) {
  return {.rows = rows, .in = in, .out = out, .x = DType::kF8E4M3, .weight = DType::kF8E4M3};
}

TEST(CudaFp8Linear, TakesAnyNumberOfRowsAndColumns) {
  struct Size {
    int64_t rows, in, out;
  };
  // Depths that end within a slot of the ring, and within a product.
  for (const Size size : {Size{1, 16, 1}, Size{63, 48, 127}, Size{64, 64, 128}, Size{65, 384, 200},
                          Size{130, 112, 261}, Size{17, 656, 264}}) {
    expect_like_reference(fp8_case(size.rows, size.in, size.out));
  }
}

TEST(CudaFp8Linear, EndsInEveryEpilogue) {
  for (const Epilogue epilogue : kEpilogues) {
    const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
    LinearCase which = fp8_case(70, 80, 128);
    which.epilogue = epilogue;
    which.result = adds ? DType::kF32 : DType::kBF16;
    which.squares = !adds;
    expect_like_reference(which);
  }
}

TEST(CudaLinear, TakesEveryPairOfTypes) {
  for (const DType x : kFloats) {
    for (const DType weight : kFloats) {
      for (const int64_t rows : {1, 8, 70}) {
        expect_like_reference({.rows = rows, .in = 72, .out = 136, .x = x, .weight = weight});
      }
    }
  }
}

// Rows that no 16-byte access can reach.
TEST(CudaLinear, TakesOddWidths) {
  for (const DType weight : kFloats) {
    for (const int64_t rows : {1, 5, 131}) {
      expect_like_reference(
          {.rows = rows, .in = 67, .out = 131, .x = DType::kF32, .weight = weight});
      expect_like_reference({.rows = rows, .in = 3, .out = 9, .x = weight, .weight = weight});
    }
  }
}

TEST(CudaLinear, EndsInEveryEpilogue) {
  for (const Epilogue epilogue : kEpilogues) {
    for (const DType weight : kFloats) {
      const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
      LinearCase which{.rows = 40, .in = 64, .out = 128, .x = weight, .weight = weight};
      which.epilogue = epilogue;
      which.result = adds ? DType::kF32 : weight;
      which.squares = !adds;
      expect_like_reference(which);
      which.rows = 2;
      expect_like_reference(which);
      which.squares = false;
      expect_like_reference(which);
    }
  }
}

TEST(CudaLinear, TakesManyRowsInLargeTiles) {
  expect_like_reference(
      {.rows = 1025, .in = 64, .out = 136, .x = DType::kBF16, .weight = DType::kBF16});
  expect_like_reference(
      {.rows = 1025, .in = 72, .out = 128, .x = DType::kF16, .weight = DType::kF16});
}

}  // namespace
}  // namespace reel::cuda
