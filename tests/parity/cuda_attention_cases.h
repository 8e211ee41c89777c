// SPDX-License-Identifier: Apache-2.0
// Attention of the CUDA backend against the reference, in whatever memory its kernels run.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "support/device_tensor.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {

struct AttentionCase {
  int64_t queries, keys, heads, head_dim;
  DType dtype;
  bool key_bias = false;
  bool relative_bias = false;
  int64_t gap = 0;  // numbers between rows
};

inline void expect_attention_like_reference(MemorySpace& memory, const AttentionCase& c,
                                            uint64_t seed) {
  SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, " << c.heads
                                  << " heads of " << c.head_dim << ", " << c.dtype << ", biases "
                                  << c.key_bias << c.relative_bias << ", gap " << c.gap << ", seed "
                                  << seed);
  const int64_t stride = c.heads * c.head_dim + c.gap;
  const int64_t relative_stride = c.queries + c.keys + 4;
  const Tensor q = test::random_tensor({c.queries, stride}, c.dtype, seed, -2, 2);
  const Tensor k = test::random_tensor({c.keys, stride}, c.dtype, seed + 1, -2, 2);
  const Tensor v = test::random_tensor({c.keys, stride}, c.dtype, seed + 2);
  const Tensor key_bias = test::random_tensor({c.keys}, DType::kF32, seed + 3);
  const Tensor relative =
      test::random_tensor({c.heads, relative_stride}, DType::kF32, seed + 4, -2, 2);
  const Tensor want = test::poisoned_tensor({c.queries, stride}, c.dtype);
  const test::DeviceTensor device_q(memory, q);
  const test::DeviceTensor device_k(memory, k);
  const test::DeviceTensor device_v(memory, v);
  const test::DeviceTensor device_key_bias(memory, key_bias);
  const test::DeviceTensor device_relative(memory, relative);
  const test::DeviceTensor out(memory, want);
  ops::AttentionArgs args{
      .q = device_q.data(),
      .k = device_k.data(),
      .v = device_v.data(),
      .out = out.data(),
      .dtype = c.dtype,
      .queries = c.queries,
      .keys = c.keys,
      .heads = c.heads,
      .head_dim = c.head_dim,
      .q_stride = stride,
      .k_stride = stride,
      .v_stride = stride,
      .out_stride = stride,
      .scale = 1 / std::sqrt(static_cast<float>(c.head_dim)),
      .key_bias = c.key_bias ? device_key_bias.view().as<float>() : nullptr,
      .relative_bias = c.relative_bias ? device_relative.view().as<float>() : nullptr,
      .relative_stride = relative_stride};
  attention(args, {});
  const Tensor got = out.download();

  args.q = q.view().data;
  args.k = k.view().data;
  args.v = v.view().data;
  args.out = want.view().data;
  args.key_bias = c.key_bias ? key_bias.view().as<float>() : nullptr;
  args.relative_bias = c.relative_bias ? relative.view().as<float>() : nullptr;
  cpu::reference::attention(args, {});
  // Between the rows both must have left the poison.
  const int64_t width = c.heads * c.head_dim;
  const int64_t element = storage_bytes(c.dtype, 1);
  for (int64_t row = 0; row < c.queries; ++row) {
    const std::byte* gap = got.bytes().data() + (row * stride + width) * element;
    for (int64_t at = 0; at < c.gap * element; ++at) ASSERT_EQ(gap[at], std::byte{0xff});
    std::memset(got.bytes().data() + (row * stride + width) * element, 0,
                static_cast<size_t>(c.gap * element));
    std::memset(want.bytes().data() + (row * stride + width) * element, 0,
                static_cast<size_t>(c.gap * element));
  }
  EXPECT_LE(test::relative_error(got, want), test::tolerance::cuda_attention(c.dtype));
}

}  // namespace reel::cuda
