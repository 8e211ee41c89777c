// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.h"

#include <gtest/gtest.h>

#include "base/byte_units.h"

namespace reel::cli {
namespace {

RunReport two_stages() {
  RunReport report;
  report.total_s = 13.14;
  report.resident_bytes = 3 * kGiB;
  report.kernels = {
      {.family = "products", .kernel = "mma.sync", .dtype = "i8", .calls = 9, .flops = 9000},
      {.family = "products", .kernel = "mma.sync", .dtype = "bf16", .calls = 9, .flops = 900},
      {.family = "products", .kernel = "plain", .dtype = "f32", .calls = 99, .flops = 9},
      {.family = "convolutions", .kernel = "mma.sync", .dtype = "f16", .calls = 1, .flops = 5}};
  report.stages.push_back(
      {.stage = "denoise",
       .seconds = 12.66,
       .read_bytes = 4 * kGiB,
       .peak_bytes = 3 * kGiB,
       .memory = {{.tag = "weights", .peak_bytes = 2 * kGiB, .at_peak_bytes = 2 * kGiB},
                  {.tag = "activations", .peak_bytes = kGiB, .at_peak_bytes = kGiB},
                  {.tag = "small", .peak_bytes = kGiB, .at_peak_bytes = kGiB / 200},
                  {.tag = "gone by then", .peak_bytes = kGiB, .at_peak_bytes = 0}},
       .host_bytes = kGiB / 2});
  report.stages.push_back({.stage = "decode", .seconds = 0.3, .read_bytes = kGiB});
  return report;
}

TEST(Summary, SaysHowLongEachStageTook) {
  EXPECT_EQ(summary_of_time(two_stages()), "13.1 s (denoise 12.7, decode 0.3)");
  EXPECT_EQ(summary_of_time({}), "0.0 s");
}

TEST(Summary, AddsUpWhatTheStagesMoved) {
  RunReport report = two_stages();
  EXPECT_EQ(summary_lines(report)[0], "weights: 5.0 GiB read");

  report.stages[0].storage_bytes = 2 * kGiB;
  report.stages[0].upload_bytes = 4 * kGiB;
  report.stages[0].stall_s = 0.21;
  report.stages[1].upload_bytes = kGiB;
  report.stages[1].stall_s = 0.04;
  EXPECT_EQ(summary_lines(report)[0],
            "weights: 5.0 GiB read (2.0 GiB fetched from disk), 5.0 GiB to the GPU, which waited "
            "0.2 s for them");
}

TEST(Summary, NamesWhatTheLargestStageHeld) {
  EXPECT_EQ(
      summary_lines(two_stages())[1],
      "memory: 3.0 GiB at most, 512.0 MiB without mapped files; denoise took 3.0 GiB: weights "
      "2.0 GiB, activations 1.0 GiB");
}

TEST(Summary, TellsGpuAndHostApart) {
  RunReport report = two_stages();
  report.stages[0].gpu_bytes = 6 * kGiB;
  report.stages[1].gpu_bytes = 7 * kGiB;
  report.gpu_counted = "this process";
  EXPECT_TRUE(
      summary_lines(report)[1].starts_with("memory: GPU 7.0 GiB by the driver's count, host 3.0 "
                                           "GiB at most, 512.0 MiB without mapped files"))
      << summary_lines(report)[1];

  report.gpu_counted = "growth of the card's use, by any program";
  EXPECT_NE(summary_lines(report)[1].find("(growth of the card's use, by any program), host"),
            std::string::npos);
}

TEST(Summary, NamesTheKernelsThatMatter) {
  EXPECT_EQ(summary_lines(two_stages())[2],
            "kernels: products mma.sync i8 and mma.sync bf16, convolutions mma.sync f16");
}

TEST(Summary, SaysWhatElseWouldFit) {
  RunReport report = two_stages();
  EXPECT_EQ(summary_lines(report).size(), 3u);
  report.also_fits = {"more", "larger"};
  EXPECT_EQ(summary_lines(report).back(), "would have fitted too: more; larger");
}

TEST(Summary, IsShortWhereNothingWasMeasured) {
  RunReport report;
  report.resident_bytes = kGiB;
  EXPECT_EQ(summary_lines(report)[1], "memory: 1.0 GiB at most");
}

}  // namespace
}  // namespace reel::cli
