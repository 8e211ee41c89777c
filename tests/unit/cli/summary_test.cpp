// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.h"

#include <gtest/gtest.h>

namespace reel::cli {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

RunReport two_stages() {
  RunReport report;
  report.total_s = 13.14;
  report.resident_bytes = 3 * kGiB;
  report.kernels = "some";
  report.stages.push_back(
      {.stage = "denoise",
       .seconds = 12.66,
       .read_bytes = 4 * kGiB,
       .peak_bytes = 3 * kGiB,
       .memory = {{.tag = "weights", .peak_bytes = 2 * kGiB, .at_peak_bytes = 2 * kGiB},
                  {.tag = "activations", .peak_bytes = kGiB, .at_peak_bytes = kGiB},
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
  EXPECT_EQ(summary_lines(two_stages())[1],
            "memory: 3.0 GiB at most, 512.0 MiB of it private (denoise 3.0 GiB: weights 2.0 GiB, "
            "activations 1.0 GiB)");
}

TEST(Summary, IsShortWhereNothingWasMeasured) {
  RunReport report;
  report.resident_bytes = kGiB;
  EXPECT_EQ(summary_lines(report)[1], "memory: 1.0 GiB at most");
}

}  // namespace
}  // namespace reel::cli
