// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/host_findings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/byte_units.h"
#include "media/mp4_writer.h"

namespace reel::pipeline {
namespace {

const Finding* find_area(const std::vector<Finding>& findings, const std::string& area) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding& one) { return one.area == area; });
  return found == findings.end() ? nullptr : &*found;
}

TEST(HostFindings, GradeTheMemoryThatIsLeft) {
  const HostFacts host{
      .cpu = "CPU", .kernel = "6.1", .system = "Debian", .memory_bytes = 32 * kGiB};

  EXPECT_EQ(find_area(findings_on(host, 8, 30 * kGiB), "memory")->health, Health::kGood);
  EXPECT_EQ(find_area(findings_on(host, 8, 10 * kGiB), "memory")->health, Health::kRemark);
  EXPECT_EQ(find_area(findings_on(host, 8, 2 * kGiB), "memory")->health, Health::kProblem);
  EXPECT_EQ(find_area(findings_on(host, 8, std::nullopt), "memory")->text, "not told of 32.0 GiB");
}

TEST(HostFindings, WarnOfWsl) {
  EXPECT_EQ(find_area(findings_on(HostFacts{}, 1, 30 * kGiB), "WSL"), nullptr);

  const auto findings =
      findings_on(HostFacts{.cpu = "", .kernel = "", .system = "", .is_wsl = true}, 1, 30 * kGiB);
  ASSERT_NE(find_area(findings, "WSL"), nullptr);
  EXPECT_EQ(find_area(findings, "WSL")->health, Health::kRemark);
}

TEST(HostFindings, RemarkOnASlowDisk) {
  EXPECT_EQ(finding_on_disk({.cache_bytes = 10e9, .disk_bytes = 3e9}).text,
            "3.0 GB/s from disk, 10.0 GB/s from the page cache");
  EXPECT_EQ(finding_on_disk({.cache_bytes = 10e9, .disk_bytes = 0.4e9}).health, Health::kRemark);
}

TEST(HostFindings, TryTheEncoders) {
  const Finding video = finding_on_video();

  if (media::mp4_support().route == media::Mp4Route::kNone) {
    EXPECT_EQ(video.health, Health::kProblem);
  } else {
    EXPECT_NE(video.text.find("MP4 files by "), std::string::npos) << video.text;
  }
}

}  // namespace
}  // namespace reel::pipeline
