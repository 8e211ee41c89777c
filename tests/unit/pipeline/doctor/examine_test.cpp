// SPDX-License-Identifier: Apache-2.0
// The whole examination through the public API.
#include <gtest/gtest.h>
#include <reel/doctor.h>
#include <reel/error.h>

#include <algorithm>
#include <string>

namespace reel {
namespace {

bool has(const DoctorReport& report, const std::string& area) {
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [&](const Finding& one) { return one.area == area; });
}

TEST(ExamineMachine, LooksAtTheProcessorAloneWhenAskedTo) {
  DoctorRequest request;
  request.model.device = "cpu";
  request.measure = false;
  Progress progress;

  const DoctorReport report = examine_machine(request, progress);

  for (const char* const area : {"system", "processor", "memory", "video", "self-test"}) {
    EXPECT_TRUE(has(report, area)) << area;
  }
  EXPECT_FALSE(has(report, "GPU"));
  EXPECT_FALSE(has(report, "speed"));
}

TEST(ExamineMachine, StopsWhenAsked) {
  DoctorRequest request;
  request.model.device = "cpu";
  Progress progress;
  progress.stop_requested = true;

  EXPECT_THROW(examine_machine(request, progress), Error);
}

TEST(ExamineMachine, RefusesADeviceThatIsNoName) {
  DoctorRequest request;
  request.model.device = "tpu";
  Progress progress;

  EXPECT_THROW(examine_machine(request, progress), Error);
}

TEST(DoctorReport, IsAsBadAsItsWorstFinding) {
  DoctorReport report;
  EXPECT_EQ(report.health(), Health::kGood);
  report.findings.push_back({.area = "", .health = Health::kProblem, .text = "", .advice = ""});
  report.findings.push_back({.area = "", .health = Health::kRemark, .text = "", .advice = ""});
  EXPECT_EQ(report.health(), Health::kProblem);
}

}  // namespace
}  // namespace reel
