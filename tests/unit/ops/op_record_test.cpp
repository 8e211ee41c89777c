// SPDX-License-Identifier: Apache-2.0
#include "ops/op_record.h"

#include <gtest/gtest.h>

#include <string>

namespace reel::ops {
namespace {

const KernelNames kNames{Kernels{.backend = "toy"}};

TEST(OpRecord, CountsAProductOfMatrices) {
  const LinearArgs args{.x_dtype = DType::kBF16,
                        .weight = {.dtype = DType::kBF16, .out = 5, .in = 4},
                        .out_dtype = DType::kF32,
                        .rows = 3};

  const OpRecord record = record_of(kNames, args);

  EXPECT_STREQ(record.op, "linear");
  EXPECT_STREQ(record.kernel, "toy");
  EXPECT_EQ(record.dtype, DType::kBF16);
  EXPECT_EQ(record.shape, (Shape{3, 4, 5}));
  EXPECT_EQ(record.flops, 2 * 3 * 4 * 5);
  EXPECT_EQ(record.bytes, 2 * 3 * 4 + 2 * 4 * 5 + 4 * 3 * 5);
}

TEST(OpRecord, NamesTheKernelThatTheBackendChooses) {
  Kernels kernels{.backend = "toy"};
  kernels.which_linear = [](const LinearArgs& args) {
    return args.rows > 8 ? "for many" : "for few";
  };

  EXPECT_STREQ(record_of(KernelNames(kernels), LinearArgs{.rows = 9}).kernel, "for many");
  EXPECT_STREQ(record_of(KernelNames(kernels), LinearArgs{.rows = 2}).kernel, "for few");
}

TEST(OpRecord, CountsWhatALoraAdds) {
  const float down = 0;
  AddDeltaArgs args{.up_dtype = DType::kBF16,
                    .down = &down,
                    .down_dtype = DType::kF32,
                    .rank = 4,
                    .rows = 3,
                    .width = 5};
  const OpRecord product = record_of(kNames, args);
  args.down = nullptr;
  const OpRecord full = record_of(kNames, args);

  EXPECT_EQ(product.flops, 2 * 3 * 4 * 5);
  EXPECT_EQ(product.bytes, 2 * 4 * 3 * 5 + 2 * 3 * 4 + 4 * 4 * 5);
  EXPECT_EQ(full.flops, 0);
  EXPECT_EQ(full.bytes, 2 * 4 * 3 * 5 + 2 * 3 * 5);
}

TEST(OpRecord, CountsBothProductsOfAttention) {
  const OpRecord plain = record_of(
      kNames,
      AttentionArgs{.dtype = DType::kF16, .queries = 3, .keys = 7, .heads = 2, .head_dim = 128});
  const OpRecord int8 = record_of(
      kNames, Int8AttentionArgs{.dtype = DType::kF16, .queries = 3, .keys = 7, .heads = 2});

  EXPECT_EQ(plain.flops, 4 * 3 * 7 * 2 * 128);
  EXPECT_EQ(int8.flops, plain.flops);
  EXPECT_EQ(plain.bytes, 2 * (2 * 3 + 2 * 7) * 256);
  EXPECT_EQ(int8.bytes, (3 + 7 + 2 * 7 + 2 * 3) * 256);
  EXPECT_EQ(int8.dtype, DType::kI8);
}

TEST(OpRecord, CountsTheTapsOfAConvolutionThatHaveAFrame) {
  const float frame = 0;
  ConvArgs args{.frames = {nullptr, &frame, &frame},
                .residual = nullptr,
                .weight = {.dtype = DType::kF32,
                           .shape = {.in_channels = 2,
                                     .out_channels = 5,
                                     .taps = 3,
                                     .kernel_rows = 3,
                                     .kernel_cols = 3}},
                .dtype = DType::kF32,
                .out_dtype = DType::kF32,
                .rows = 10,
                .cols = 4,
                .row_begin = 2,
                .row_end = 8};
  const OpRecord record = record_of(kNames, args);

  EXPECT_EQ(record.shape, (Shape{6, 4, 2, 5, 3, 3}));
  EXPECT_EQ(record.flops, 2 * 6 * 4 * 2 * 2 * 5 * 9);
  EXPECT_EQ(record.bytes, 4 * (2 * 24 * 2 + 2 * 5 * 27 + 24 * 5));
  args.residual = &frame;
  EXPECT_EQ(record_of(kNames, args).bytes, record.bytes + 4 * 24 * 5);
}

TEST(OpRecord, HasNoOperationsWhereNothingIsMultiplied) {
  const OpRecord cast =
      record_of(kNames, CastArgs{.x_dtype = DType::kF32, .dtype = DType::kBF16, .elements = 10});

  EXPECT_EQ(cast.flops, 0);
  EXPECT_EQ(cast.bytes, 10 * (4 + 2));
  EXPECT_EQ(cast.shape, (Shape{10}));
}

}  // namespace
}  // namespace reel::ops
