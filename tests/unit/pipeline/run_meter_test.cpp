// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_meter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "base/process_memory.h"
#include "core/buffer.h"
#include "pipeline/open_model.h"

namespace reel::pipeline {
namespace {

class RunMeterTest : public testing::Test {
 protected:
  static ModelOptions options() {
    ModelOptions options;
    options.device = "cpu";
    return options;
  }

  StopFlag stop_;
  Runtime runtime_{options(), stop_};
  RunMeter meter_{runtime_};
};

TEST_F(RunMeterTest, TellsWhatAStageTook) {
  Progress progress;
  const OpenModel model(options(), Parts{}, progress);
  meter_.begin(memory::Phase::kDecode);
  {
    const auto vae = model.load_decoder(runtime_);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const StageReport stage = meter_.end();

  EXPECT_EQ(stage.stage, "decode");
  EXPECT_GE(stage.seconds, 0.02);
  EXPECT_GT(stage.read_bytes, uint64_t{1} << 20);
  EXPECT_EQ(stage.upload_bytes, 0u);
  EXPECT_GE(stage.peak_bytes, stage.read_bytes);
  uint64_t at_peak = 0;
  for (const TagUse& use : stage.memory) at_peak += use.at_peak_bytes;
  EXPECT_EQ(at_peak, stage.peak_bytes);
}

TEST_F(RunMeterTest, CountsEveryStageForItself) {
  const ops::Context ctx = runtime_.context(runtime_.numbers());
  meter_.begin(memory::Phase::kText);
  Buffer(ctx.memory, 3000, "weights");
  meter_.end();
  meter_.begin(memory::Phase::kDenoise);
  Buffer(ctx.memory, 1000, "weights");
  meter_.end();

  const RunReport report = meter_.report();

  ASSERT_EQ(report.stages.size(), 2u);
  EXPECT_EQ(report.stages[0].peak_bytes, 3000u);
  EXPECT_EQ(report.stages[1].peak_bytes, 1000u);
  ASSERT_EQ(report.stages[1].memory.size(), 1u);
  EXPECT_EQ(report.stages[1].memory[0].tag, "weights");
  EXPECT_GE(report.total_s, report.stages[0].seconds + report.stages[1].seconds);
}

TEST_F(RunMeterTest, TellsWhatStreamedInEachStage) {
  meter_.begin(memory::Phase::kText);
  runtime_.count({.bytes_read = 100, .bytes_copied = 90, .stall_seconds = 0.5});
  meter_.end();
  meter_.begin(memory::Phase::kDenoise);
  runtime_.count({.bytes_read = 7, .bytes_copied = 6, .stall_seconds = 0.25});
  runtime_.count({.bytes_read = 1, .bytes_copied = 1, .stall_seconds = 0.25});
  const StageReport& stage = meter_.end();

  EXPECT_EQ(stage.read_bytes, 8u);
  EXPECT_EQ(stage.upload_bytes, 7u);
  EXPECT_DOUBLE_EQ(stage.stall_s, 0.5);
}

TEST_F(RunMeterTest, TimesEveryStep) {
  meter_.begin(memory::Phase::kDenoise);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // loading is no part of a step
  for (int step = 0; step < 2; ++step) {
    meter_.begin_step(step);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    meter_.end_step();
  }
  const StageReport& stage = meter_.end();

  ASSERT_EQ(stage.step_s.size(), 2u);
  EXPECT_GE(stage.step_s[0], 0.01);
  EXPECT_GE(stage.step_s[1], 0.01);
  EXPECT_GE(stage.seconds, 0.03 + stage.step_s[0] + stage.step_s[1]);
}

TEST_F(RunMeterTest, SeesHostMemoryThatWasGivenBack) {
  if (!process_memory()) GTEST_SKIP() << "this system does not tell";
  constexpr size_t kBytes = size_t{256} << 20;
  meter_.begin(memory::Phase::kText);
  const uint64_t before = process_memory()->private_bytes;
  {
    const Buffer block(kBytes);
    std::memset(block.data(), 1, kBytes);
    std::this_thread::sleep_for(10 * MemoryWatch::kBetweenLooks);
  }

  EXPECT_GE(meter_.end().host_bytes.value_or(0), before + kBytes / 2);
}

}  // namespace
}  // namespace reel::pipeline
