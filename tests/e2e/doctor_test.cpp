// SPDX-License-Identifier: Apache-2.0
// `reel doctor`, as a user runs it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/scene.h"

namespace reel::test {
namespace {

using nlohmann::json;

TEST(Doctor, TellsWhatTheMachineHasAndTestsItsKernels) {
  Scene scene;
  scene.reel({"doctor", "--device", "cpu", "--model", "model"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  for (const char* const area : {"system", "processor", "memory", "video", "self-test", "speed",
                                 "from the page cache, where the model lies"}) {
    EXPECT_NE(outcome.out.find(area), std::string::npos) << area << '\n' << outcome.out;
  }
}

TEST(Doctor, WritesAReportWithoutPaths) {
  Scene scene;
  scene.reel({"doctor", "--device", "cpu", "--quick", "--report", "report.json", "--json"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string text = read_all(scene / "report.json");
  const json report = json::parse(text, nullptr, false);
  ASSERT_TRUE(report.is_object()) << text;
  EXPECT_GE(report.at("findings").size(), 5u);
  EXPECT_EQ(report, json::parse(outcome.out, nullptr, false));
  EXPECT_EQ(text.find(scene.command.folder.string()), std::string::npos);
  EXPECT_EQ(text.find("/tmp"), std::string::npos);
}

TEST(Doctor, ComparesAClipOfTheCpuWithNothing) {
  Scene scene;
  scene.reel({"generate", "--model", "model", "--device", "cpu", "--prompt", "a ball", "--size",
              "16x16", "--frames", "1", "--out", "clip.mp4"});
  ASSERT_EQ(run_program(scene.command).exit_code, 0);
  scene.reel({"doctor", "--device", "cpu", "--quick", "--model", "model", "--clip", "clip.mp4"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("made on a CPU"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace reel::test
