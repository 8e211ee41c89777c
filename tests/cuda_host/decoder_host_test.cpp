// SPDX-License-Identifier: Apache-2.0
// The VAE's decoder on the GPU's kernels: strips change no byte.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"
#include "cuda_host/machine.h"
#include "support/random_tensor.h"
#include "unit/models/decoded_strips.h"

namespace reel::cuda {

// Tiles take turns on so many.
int processor_count() { return 2; }

namespace {

int64_t plain_matrix_bytes(DType dtype, int64_t out, int64_t in) {
  return storage_bytes(dtype, out * in);
}

// Rows stay as they are.
void pack_plain_matrix(const ops::PackMatrixArgs& args, Stream) {
  std::memcpy(args.to, args.from,
              static_cast<size_t>(plain_matrix_bytes(args.dtype, args.out, args.in)));
}

ops::Kernels decoder_kernels() {
  ops::Kernels kernels;
  kernels.backend = "cuda";
  kernels.linear = linear;
  kernels.packed_matrix_bytes = plain_matrix_bytes;
  kernels.pack_matrix = pack_plain_matrix;
  kernels.attention = attention;
  kernels.cast = cast;
  kernels.l2_norm = l2_norm;
  kernels.packed_conv_bytes = packed_conv_bytes;
  kernels.pack_conv = pack_conv;
  kernels.conv = conv;
  kernels.upsample2x = upsample2x;
  return kernels;
}

TEST(CudaDecoder, GivesTheSameBytesInStrips) {
  const ops::Kernels kernels = decoder_kernels();
  const test::RandomDecoder decoder(kernels, DType::kF16, cuda_host::input_seed());
  decoder.expect_strips_like_whole({16, 1, 9, 2}, {2});
}

// The shortcut's product: tiles of another size, or none, by the number of rows.
TEST(CudaDecoder, MultipliesARowTheSameAmongAnyOthers) {
  constexpr int64_t kRows = 1100;
  constexpr int64_t kIn = 40;
  constexpr int64_t kOut = 24;
  const Tensor x = test::random_tensor({kRows, kIn}, DType::kF16, cuda_host::input_seed());
  const Tensor w = test::random_tensor({kOut, kIn}, DType::kF16, cuda_host::input_seed() + 1);
  const Tensor whole = test::poisoned_tensor({kRows, kOut}, DType::kF16);
  const Tensor parts = test::poisoned_tensor({kRows, kOut}, DType::kF16);
  const auto multiply = [&](const Tensor& out, int64_t begin, int64_t rows) {
    linear({.x = x.view().slice(begin, rows).data,
            .x_dtype = DType::kF16,
            .x_scale = nullptr,
            .weight = {.data = w.view().data, .dtype = DType::kF16, .out = kOut, .in = kIn},
            .bias = nullptr,
            .gate = nullptr,
            .out = out.view().slice(begin, rows).data,
            .out_dtype = DType::kF16,
            .rows = rows,
            .epilogue = ops::Epilogue::kStore,
            .sum_squares = nullptr},
           {});
  };

  multiply(whole, 0, kRows);
  multiply(parts, 0, 9);
  multiply(parts, 9, 100);
  multiply(parts, 109, kRows - 109);

  EXPECT_EQ(std::memcmp(whole.bytes().data(), parts.bytes().data(), whole.bytes().size()), 0);
}

}  // namespace
}  // namespace reel::cuda
