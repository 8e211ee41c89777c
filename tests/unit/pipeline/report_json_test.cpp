// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <reel/report.h>

#include <nlohmann/json.hpp>

namespace reel {
namespace {

TEST(ReportJson, HasEveryStageWithItsTags) {
  RunReport report;
  report.total_s = 2;
  report.stages.push_back({.stage = "denoise",
                           .seconds = 1.5,
                           .step_s = {0.5, 1},
                           .read_bytes = 7,
                           .upload_bytes = 8,
                           .stall_s = 0.25,
                           .peak_bytes = 30,
                           .memory = {{.tag = "weights", .peak_bytes = 20, .at_peak_bytes = 10}}});

  report.kernels = {
      {.family = "products", .kernel = "toy", .dtype = "bf16", .calls = 3, .flops = 1e15}};

  const auto parsed = nlohmann::json::parse(to_json(report));

  EXPECT_EQ(parsed.at("kernels").at(0).at("kernel"), "toy");
  EXPECT_EQ(parsed.at("kernels").at(0).at("flops"), 1e15);
  EXPECT_EQ(parsed.at("seconds"), 2);
  const auto& stage = parsed.at("stages").at(0);
  EXPECT_EQ(stage.at("stage"), "denoise");
  EXPECT_EQ(stage.at("seconds"), 1.5);
  EXPECT_EQ(stage.at("step_seconds").size(), 2u);
  EXPECT_EQ(stage.at("read_bytes"), 7);
  EXPECT_EQ(stage.at("upload_bytes"), 8);
  EXPECT_EQ(stage.at("stall_seconds"), 0.25);
  EXPECT_EQ(stage.at("peak_bytes"), 30);
  EXPECT_EQ(stage.at("memory").at(0).at("tag"), "weights");
  EXPECT_EQ(stage.at("memory").at(0).at("at_peak_bytes"), 10);
}

TEST(ReportJson, LeavesOutWhatNobodyTold) {
  RunReport report;
  report.stages.resize(2);
  report.stages[1].host_bytes = 5;
  report.stages[1].storage_bytes = 0;

  const auto parsed = nlohmann::json::parse(to_json(report));

  EXPECT_FALSE(parsed.at("stages").at(0).contains("host_bytes"));
  EXPECT_FALSE(parsed.at("stages").at(0).contains("storage_bytes"));
  EXPECT_FALSE(parsed.at("stages").at(0).contains("step_seconds"));
  EXPECT_EQ(parsed.at("stages").at(1).at("host_bytes"), 5);
  EXPECT_EQ(parsed.at("stages").at(1).at("storage_bytes"), 0);
}

}  // namespace
}  // namespace reel
