// SPDX-License-Identifier: Apache-2.0
// Matrix products on a GPU against the reference: odd sizes whole, the 14B's sizes by some rows.
#include <array>
#include <cstring>
#include <vector>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "support/linear_problem.h"
#include "support/open_gpu.h"
#include "support/random_tensor.h"

namespace reel::cuda {
namespace {

using ops::Epilogue;
using test::linear_inputs;
using test::LinearCase;
using test::relative_error;
using test::run_linear;

constexpr uint64_t kSeed = 20;
constexpr DType kFloats[] = {DType::kF32, DType::kBF16, DType::kF16};
constexpr Epilogue kEpilogues[] = {Epilogue::kStore, Epilogue::kGeluTanh, Epilogue::kSilu,
                                   Epilogue::kAdd, Epilogue::kGatedAdd};

LinearCase int8_case(int64_t rows, int64_t in, int64_t out) {
  return {.rows = rows, .in = in, .out = out, .x = DType::kI8, .weight = DType::kI8};
}

bool equal_bytes(const TensorView& a, const TensorView& b) {
  return a.size_bytes() == b.size_bytes() &&
         std::memcmp(a.data, b.data, static_cast<size_t>(a.size_bytes())) == 0;
}

// On some GPUs linear() has a better kernel for INT8 than the one of all.
std::vector<test::LinearKernel> kernels_of(const LinearCase& which) {
  if (which.weight == DType::kI8) return {linear, int8_linear};
  return {linear};
}

class CudaLinearOnGpu : public test::OnGpu {
 protected:
  static void expect_like_reference(const LinearCase& which) {
    SCOPED_TRACE(testing::Message() << which);
    const test::LinearInputs inputs = linear_inputs(which, kSeed);
    const test::LinearResult want = run_linear(which, inputs, cpu::reference::linear);

    for (const test::LinearKernel kernel : kernels_of(which)) {
      const test::LinearResult got = run_linear(which, inputs, kernel, memory());
      EXPECT_LT(relative_error(got.out, want.out), linear_tolerance(which));
      if (which.squares) {
        EXPECT_LT(relative_error(got.squares, want.squares), 2 * linear_tolerance(which));
      }
    }
  }

  // The reference takes too long for all rows.
  static void expect_rows_like_reference(const LinearCase& which,
                                         std::initializer_list<int64_t> rows) {
    SCOPED_TRACE(testing::Message() << which);
    const test::LinearInputs inputs = linear_inputs(which, kSeed);

    for (const test::LinearKernel kernel : kernels_of(which)) {
      const test::LinearResult got = run_linear(which, inputs, kernel, memory());
      for (const int64_t row : rows) {
        SCOPED_TRACE(row);
        const test::LinearResult want =
            run_linear(which, inputs, cpu::reference::linear, host_memory(), row, 1);
        EXPECT_LT(relative_error(got.out.view().slice(row, 1), want.out), linear_tolerance(which));
        if (which.squares) {
          EXPECT_LT(relative_error(got.squares.view().slice(row, 1), want.squares),
                    2 * linear_tolerance(which));
        }
      }
    }
  }
};

TEST_F(CudaLinearOnGpu, MultipliesInt8OfAnySize) {
  expect_like_reference(int8_case(1, 128, 128));
  expect_like_reference(int8_case(37, 384, 200));
  expect_like_reference(int8_case(300, 5120, 512));
  expect_like_reference(int8_case(1031, 640, 261));
}

TEST_F(CudaLinearOnGpu, MultipliesInt8InEveryEpilogue) {
  for (const int64_t rows : {70, 1500}) {
    for (const Epilogue epilogue : kEpilogues) {
      for (const DType result : kFloats) {
        const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
        if (adds && result == DType::kBF16) continue;
        if (epilogue == Epilogue::kGatedAdd && result != DType::kF32) continue;
        LinearCase which = int8_case(rows, 256, 384);
        which.epilogue = epilogue;
        which.result = result;
        which.squares = true;
        which.bias = result != DType::kF16;
        expect_like_reference(which);
      }
    }
  }
}

// Fewer rows than a large tile is for are ended by code that chooses the epilogue as it runs.
TEST_F(CudaLinearOnGpu, GivesTheSameInt8BytesByKernelsThatKnowTheEpilogue) {
  for (const Epilogue epilogue : kEpilogues) {
    for (const DType result : kFloats) {
      for (const int64_t depth : {64, 208, 1280}) {
        LinearCase which = int8_case(1537, depth, epilogue == Epilogue::kStore ? 384 : 416);
        which.epilogue = epilogue;
        which.result = result;
        which.squares = epilogue == Epilogue::kStore && depth != 208;
        SCOPED_TRACE(testing::Message() << which);
        const test::LinearInputs inputs = linear_inputs(which, kSeed);
        const test::LinearResult whole = run_linear(which, inputs, int8_linear, memory());
        for (const auto& [begin, rows] : {std::pair{0, 1000}, {1000, 537}}) {
          const test::LinearResult part =
              run_linear(which, inputs, int8_linear, memory(), begin, rows);
          EXPECT_TRUE(equal_bytes(part.out.view(), whole.out.view().slice(begin, rows)));
          if (!which.squares) continue;
          EXPECT_TRUE(equal_bytes(part.squares.view(), whole.squares.view().slice(begin, rows)));
        }
      }
    }
  }
}

LinearCase fp8_case(int64_t rows, int64_t in, int64_t out) {
  return {.rows = rows, .in = in, .out = out, .x = DType::kF8E4M3, .weight = DType::kF8E4M3};
}

TEST_F(CudaLinearOnGpu, MultipliesFp8OfAnySize) {
  expect_like_reference(fp8_case(1, 16, 128));
  expect_like_reference(fp8_case(37, 400, 200));
  expect_like_reference(fp8_case(300, 5120, 512));
  for (const Epilogue epilogue : kEpilogues) {
    const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
    LinearCase which = fp8_case(1031, 656, 256);
    which.epilogue = epilogue;
    which.result = adds ? DType::kF32 : DType::kBF16;
    which.squares = !adds;
    expect_like_reference(which);
  }
}

TEST_F(CudaLinearOnGpu, MultipliesFp8OfThe14B) {
  LinearCase up = fp8_case(8192, 5120, 13824);
  up.result = DType::kBF16;
  up.epilogue = Epilogue::kGeluTanh;
  expect_rows_like_reference(up, {0, 2049, 8191});
  LinearCase down = fp8_case(8191, 13824, 5120);
  down.epilogue = Epilogue::kGatedAdd;
  expect_rows_like_reference(down, {0, 2049, 8190});
}

TEST_F(CudaLinearOnGpu, MultipliesInt8OfThe14B) {
  LinearCase query = int8_case(8192, 5120, 5120);
  query.result = DType::kBF16;
  query.squares = true;
  expect_rows_like_reference(query, {0, 255, 256, 4095, 8191});
  LinearCase up = int8_case(8192, 5120, 13824);
  up.result = DType::kBF16;
  up.epilogue = Epilogue::kGeluTanh;
  expect_rows_like_reference(up, {0, 2049, 8191});
  LinearCase down = int8_case(8191, 13824, 5120);
  down.epilogue = Epilogue::kGatedAdd;
  expect_rows_like_reference(down, {0, 2049, 8190});
}

TEST_F(CudaLinearOnGpu, GivesTheSameBytesInEveryRunAndChunk) {
  LinearCase which = int8_case(4000, 1024, 1280);
  which.epilogue = Epilogue::kGeluTanh;
  which.squares = true;
  const test::LinearInputs inputs = linear_inputs(which, kSeed);
  const test::LinearResult whole = run_linear(which, inputs, linear, memory());

  for (int run = 0; run < 5; ++run) {
    const test::LinearResult again = run_linear(which, inputs, linear, memory());
    EXPECT_TRUE(equal_bytes(again.out.view(), whole.out.view()));
    EXPECT_TRUE(equal_bytes(again.squares.view(), whole.squares.view()));
  }
  for (const auto& [begin, rows] : {std::pair{0, 300}, {1111, 1}, {1500, 2048}}) {
    const test::LinearResult part = run_linear(which, inputs, linear, memory(), begin, rows);
    EXPECT_TRUE(equal_bytes(part.out.view(), whole.out.view().slice(begin, rows)));
    EXPECT_TRUE(equal_bytes(part.squares.view(), whole.squares.view().slice(begin, rows)));
  }
}

#ifdef REEL_WITH_WGMMA
class WgmmaLinearOnGpu : public CudaLinearOnGpu {
 protected:
  void SetUp() override {
    CudaLinearOnGpu::SetUp();
    if (IsSkipped()) return;
    if (gpu().facts().major != 9) GTEST_SKIP() << "This GPU has no wgmma.";
  }

  static void expect_bytes_of_mma_sync(const LinearCase& which) {
    SCOPED_TRACE(testing::Message() << which);
    const test::LinearInputs inputs = linear_inputs(which, kSeed);
    const test::LinearResult got = run_linear(which, inputs, wgmma_linear, memory());
    const test::LinearResult want = run_linear(which, inputs, int8_linear, memory());
    EXPECT_TRUE(equal_bytes(got.out.view(), want.out.view()));
    if (which.squares) {
      EXPECT_TRUE(equal_bytes(got.squares.view(), want.squares.view()));
    }
  }
};

TEST_F(WgmmaLinearOnGpu, GivesTheBytesOfMmaSyncAtAnySize) {
  // One row; a tile and a cluster less, whole and more; depths that end within a slot; columns that
  // end within a tile; more tiles than a GPU takes at once.
  for (const auto& [rows, in, out] : {std::array<int64_t, 3>{1, 128, 32},
                                      {127, 128, 256},
                                      {129, 144, 224},
                                      {256, 640, 288},
                                      {257, 272, 512},
                                      {1031, 2048, 544},
                                      {8191, 512, 5152},
                                      {4000, 13824, 1280}}) {
    expect_bytes_of_mma_sync(int8_case(rows, in, out));
  }
}

TEST_F(WgmmaLinearOnGpu, GivesTheBytesOfMmaSyncInEveryEpilogue) {
  for (const Epilogue epilogue : kEpilogues) {
    // linear() leaves the others to mma.sync: SiLU, and squares of what was activated or added.
    if (epilogue == Epilogue::kSilu) continue;
    for (const DType result : kFloats) {
      LinearCase which = int8_case(1101, 384, 640);
      which.epilogue = epilogue;
      which.result = result;
      which.bias = result != DType::kF16;
      expect_bytes_of_mma_sync(which);
      which.squares = true;
      if (epilogue == Epilogue::kStore) expect_bytes_of_mma_sync(which);
    }
  }
}
#endif

TEST_F(CudaLinearOnGpu, MultipliesEveryPairOfTypes) {
  for (const DType x : kFloats) {
    for (const DType weight : kFloats) {
      for (const int64_t rows : {1, 8, 9, 300, 1300}) {
        expect_like_reference({.rows = rows, .in = 520, .out = 264, .x = x, .weight = weight});
      }
      expect_like_reference({.rows = 77, .in = 131, .out = 67, .x = x, .weight = weight});
    }
  }
}

TEST_F(CudaLinearOnGpu, MultipliesFloatsOfThe14B) {
  for (const DType weight : {DType::kBF16, DType::kF16}) {
    expect_rows_like_reference({.rows = 8192,
                                .in = 5120,
                                .out = 5120,
                                .x = weight,
                                .weight = weight,
                                .result = weight,
                                .squares = true},
                               {0, 4095, 8191});
  }
  expect_rows_like_reference({.rows = 1, .in = 5120, .out = 30720}, {0});
  expect_rows_like_reference({.rows = 32760, .in = 64, .out = 5120}, {0, 127, 32759});
  expect_rows_like_reference({.rows = 512, .in = 4096, .out = 5120}, {0, 511});
}

}  // namespace
}  // namespace reel::cuda
