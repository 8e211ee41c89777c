// SPDX-License-Identifier: Apache-2.0
// Decoders on the GPU's kernels: strips of the VAE's change no byte.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/backend.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/processors.h"
#include "cuda_host/machine.h"
#include "support/random_tensor.h"
#include "unit/models/decoded_strips.h"
#include "unit/models/random_tae.h"

namespace reel::cuda {

// Tiles take turns on so many.
int processor_count() { return 2; }
int64_t blocks_that_share(size_t) { return 1; }

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

// Widths of whole tiles and slices and of less; the first latent frame makes one frame, the second
// four.
TEST(CudaDecoder, DecodesATaeLikeTheReference) {
  const tae::Config config{.channels = {16, 12, 8, 5}};
  const ops::Kernels kernels = decoder_kernels();
  const uint64_t seed = cuda_host::input_seed();
  const Tensor latents = test::random_tensor({16, 2, 3, 2}, DType::kF32, seed + 1, -2, 2);
  const test::RandomTae truth(cpu::reference_kernels(), DType::kF32, config, seed);
  const Tensor want = truth.decode(latents);
  for (const DType compute : {DType::kF16, DType::kF32}) {
    const test::RandomTae tae(kernels, compute, config, seed);
    EXPECT_LT(test::relative_error(tae.decode(latents), want), compute == DType::kF32 ? 1e-5 : 5e-3)
        << compute;
  }
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
