// SPDX-License-Identifier: Apache-2.0
// What every op front refuses before a kernel sees it.
#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "core/buffer.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/int8_attention.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/operand.h"
#include "support/expect_error.h"

namespace reel::ops {
namespace {

Tensor f32(const Shape& shape) { return {DType::kF32, shape}; }

class OpFronts : public testing::Test {
 protected:
  Arena arena_{"test"};
  StopFlag stop_;
  Context ctx_{.kernels = cpu::reference_kernels(), .arena = arena_, .stop = stop_};
};

TEST_F(OpFronts, LinearNamesBothShapes) {
  EXPECT_REEL_ERROR(linear(ctx_, f32({2, 3}), {.out = 5, .in = 4}, {}, f32({2, 5})),
                    kInvalidArgument, "x is [2, 3] but the weight is [5, 4]");
  EXPECT_REEL_ERROR(linear(ctx_, f32({2, 4}), {.out = 5, .in = 4}, {}, f32({2, 4})),
                    kInvalidArgument, "out is [2, 4], must be [2, 5]");
}

TEST_F(OpFronts, LinearAddsOnlyIntoF32) {
  const Tensor out(DType::kBF16, {1, 1});
  EXPECT_REEL_ERROR(linear(ctx_, f32({1, 1}), {.out = 1, .in = 1}, {}, out, Epilogue::kAdd),
                    kInvalidArgument, "a sum needs f32");
}

TEST_F(OpFronts, AttentionNeedsKeysAndHeadsThatDivide) {
  const Tensor q = f32({2, 6});
  EXPECT_REEL_ERROR(attention(ctx_, q, f32({0, 6}), f32({0, 6}), 2, 1, f32({2, 6})),
                    kInvalidArgument, "k is [0, 6]");
  EXPECT_REEL_ERROR(attention(ctx_, q, q, q, 4, 1, f32({2, 6})), kInvalidArgument, "4 heads");
}

TEST_F(OpFronts, AnOperandIsWhatItsWeightNeeds) {
  Scratch scratch{ctx_};
  EXPECT_TRUE(make_operand(ctx_, scratch, {3, 128}, {.dtype = DType::kI8}).has_scales());
  EXPECT_EQ(make_operand(ctx_, scratch, {3, 128}, {.dtype = DType::kBF16}).rows.dtype,
            ctx_.compute);
}

TEST_F(OpFronts, OnlyBlocksOf128AreRotated) {
  Scratch scratch{ctx_};
  const Operand out = make_operand(ctx_, scratch, {2, 96}, {.dtype = DType::kI8});
  EXPECT_REEL_ERROR(quantise_rows(ctx_, f32({2, 96}), out), kInvalidArgument,
                    "must be a multiple of 128");
  EXPECT_REEL_ERROR(quantise_rows(ctx_, f32({3, 96}), out), kInvalidArgument, "out is i8 [2, 96]");
}

TEST_F(OpFronts, Int8AttentionNeedsHeadsOf128AndARowPerKey) {
  Scratch scratch{ctx_};
  const Int8Keys keys = make_int8_keys(scratch, 5, 2, DType::kF16);
  EXPECT_REEL_ERROR(prepare_values(ctx_, f32({5, 128}), keys), kInvalidArgument,
                    "x is f32 [5, 128] for 2 heads of 128");
  EXPECT_REEL_ERROR(prepare_values(ctx_, f32({4, 256}), keys), kInvalidArgument,
                    "x is [4, 256] for 5 keys");
  EXPECT_REEL_ERROR(int8_attention(ctx_, f32({3, 256}), {}, keys, 1, f32({2, 256})),
                    kInvalidArgument, "out is f32 [2, 256]");
}

TEST_F(OpFronts, RmsNormNamesTheWeight) {
  EXPECT_REEL_ERROR(rms_norm(ctx_, f32({2, 4}), f32({3}), 1e-6f, f32({2, 4})), kInvalidArgument,
                    "weight is f32 [3], must be f32 [4]");
}

TEST_F(OpFronts, RopeMustHaveARowPerToken) {
  EXPECT_REEL_ERROR(rms_norm_rope(ctx_, f32({2, 4}), f32({4}), 1e-6f, f32({3, 2, 2}), f32({2, 4})),
                    kInvalidArgument, "rope is f32 [3, 2, 2]");
}

TEST_F(OpFronts, ConvCountsItsFrames) {
  const Tensor frame = f32({2, 2, 1});
  const ConvView weight{.shape = {.in_channels = 1, .out_channels = 1, .taps = 3}};
  const std::vector<Frame> frames{frame, frame};
  const std::vector<Frame> out{frame};
  EXPECT_REEL_ERROR(conv(ctx_, frames, weight, {}, out), kInvalidArgument,
                    "2 frames in and 1 out with 3 taps");
}

TEST_F(OpFronts, ConvStoresItsOwnNumbersOrF32) {
  const Tensor frame = f32({2, 2, 1});
  const Tensor narrow(DType::kBF16, {2, 2, 1});
  const ConvView weight{.dtype = DType::kF32, .shape = {.in_channels = 1, .out_channels = 1}};
  const std::vector<Frame> frames{frame};
  const std::vector<Frame> out{narrow};
  EXPECT_REEL_ERROR(conv(ctx_, frames, weight, {}, out), kInvalidArgument,
                    "out is bf16 but the weight is f32");
}

TEST_F(OpFronts, ConvComputesRowsOfItsOutput) {
  const Tensor frame = f32({2, 2, 1});
  const ConvView weight{.shape = {.in_channels = 1, .out_channels = 1}};
  const std::vector<Frame> frames{frame};
  for (const Rows& rows : {Rows{-1, 1}, Rows{2, 1}, Rows{0, 3}}) {
    EXPECT_REEL_ERROR(conv(ctx_, frames, weight, {}, frames, {}, rows), kInvalidArgument,
                      "conv: rows " + std::to_string(rows.begin) + " to " +
                          std::to_string(rows.end) + " of [2, 2, 1]");
  }
}

TEST_F(OpFronts, SayWhichBackendLacksTheKernel) {
  const Kernels none{.backend = "toy"};
  Context toy{.kernels = none, .arena = arena_, .stop = stop_};
  EXPECT_REEL_ERROR(add(toy, f32({1}), f32({1}), f32({1})), kUnsupported,
                    "the toy backend has no such kernel");
}

TEST_F(OpFronts, LookAtTheStopFlag) {
  stop_.request();
  EXPECT_REEL_ERROR(add(ctx_, f32({1}), f32({1}), f32({1})), kCancelled, "Stopped as asked");
}

}  // namespace
}  // namespace reel::ops
