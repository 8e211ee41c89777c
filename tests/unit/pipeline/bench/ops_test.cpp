// SPDX-License-Identifier: Apache-2.0
// That the benchmark computes what it says, on small shapes; times are looked at for sense alone.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/numerics/small_floats.h"
#include "pipeline/bench/conv_ops.h"
#include "pipeline/bench/dit_ops.h"
#include "pipeline/bench/timer.h"
#include "pipeline/random_data.h"

namespace reel::pipeline {
namespace {

class BenchOps : public ::testing::Test {
 protected:
  static ModelOptions options(const char* precision) {
    ModelOptions options;
    options.device = "cpu";
    options.precision = precision;
    return options;
  }
  const StopFlag stop_{};
};

TEST_F(BenchOps, TimerTakesTheMedianOfRunsAfterTheFirst) {
  Runtime runtime(options("f32"), stop_);
  ops::Context ctx = runtime.context(runtime.numbers());
  int runs = 0;

  const double seconds = Timer(runtime).median_seconds(ctx, 5, [&](ops::Context&) { ++runs; });

  EXPECT_EQ(runs, 6);
  EXPECT_GE(seconds, 0);
  EXPECT_LT(seconds, 1);
}

TEST_F(BenchOps, RandomNumbersFillTheirTensorsWithinBounds) {
  Runtime runtime(options("f32"), stop_);
  ops::Context ctx = runtime.context(runtime.numbers());
  RandomData data(ctx);
  const int64_t count = (int64_t{1} << 22) + 77;  // more than a period

  const TensorView floats = data.tensor(DType::kF32, {count}, 0.5f);
  const TensorView bytes = data.tensor(DType::kI8, {1, 1000});

  double sum = 0;
  std::set<float> seen;
  for (int64_t at = 0; at < count; ++at) {
    const float value = floats.as<float>()[at];
    ASSERT_LE(std::abs(value), 0.5f) << at;
    sum += value;
    if (at < 1000) seen.insert(value);
  }
  EXPECT_NEAR(sum / static_cast<double>(count), 0, 1e-3);
  EXPECT_GT(seen.size(), 990u);
  EXPECT_EQ(floats.as<float>()[count - 1], floats.as<float>()[76]);
  for (int64_t at = 0; at < 1000; ++at) ASSERT_NE(bytes.as<int8_t>()[at], -128);
}

TEST_F(BenchOps, ABlockTakesAsLongAsItsOpsAbout) {
  const BenchShape shape{.dim = 256, .ffn_dim = 512, .blocks = 2, .tokens = 33, .text_keys = 17};
  for (const char* precision : {"f32", "int8"}) {
    Runtime runtime(options(precision), stop_);
    const DitTimes times = time_dit(runtime, shape, {.wide_ops = 1e15, .memory_bytes = 1e15});

    std::set<std::string> names;
    for (const BenchOp& op : times.ops) {
      names.insert(op.op);
      EXPECT_GT(op.seconds, 0) << op.op;
      EXPECT_GT(op.work, 0) << op.op;
    }
    EXPECT_EQ(names.size(), times.ops.size());
    EXPECT_TRUE(names.count("product up, GELU"));
    EXPECT_EQ(names.count("rotate, quantise"), precision == std::string("int8") ? 1u : 0u);
    EXPECT_GT(times.block_s, 0);
    EXPECT_GT(times.sustained.attention_ops, 0);
    EXPECT_GT(times.sustained.memory_bytes, 0);
    EXPECT_EQ(times.sustained.int8_ops > 0, precision == std::string("int8"));
  }
}

TEST_F(BenchOps, ABoundIsWorkOverTheLimit) {
  const BenchShape shape{.dim = 128, .ffn_dim = 256, .blocks = 1, .tokens = 64, .text_keys = 5};
  Runtime runtime(options("f32"), stop_);

  const DitTimes times = time_dit(runtime, shape, {.wide_ops = 1e9, .memory_bytes = 2e9});

  for (const BenchOp& op : times.ops) {
    EXPECT_DOUBLE_EQ(op.bound_s, op.work / (op.unit == "B" ? 2e9 : 1e9)) << op.op;
  }
}

TEST_F(BenchOps, ConvolutionsOfEveryLevel) {
  Runtime runtime(options("f32"), stop_);

  const ConvTimes times = time_convs(runtime, 16, 16, 0);

  ASSERT_EQ(times.ops.size(), 4u);
  EXPECT_EQ(times.ops[0].shape, "2 x 2, 384 channels");
  // 27 taps, a multiplication and an addition each.
  EXPECT_DOUBLE_EQ(times.ops[3].work, 54.0 * 16 * 16 * 96 * 96);
  EXPECT_GT(times.sustained_ops, 0);
}

}  // namespace
}  // namespace reel::pipeline
