// SPDX-License-Identifier: Apache-2.0
// The program, with its real CUDA runtime, above a driver that is too old.
#include <gtest/gtest.h>

#include "e2e/scene.h"

namespace reel::test {
namespace {

TEST(Driver, ThatIsTooOldIsOneSentence) {
  Scene scene;
  scene.generate({"--device", "cuda:0"});
  scene.command.started_by = {"env", "LD_LIBRARY_PATH=" REEL_OLD_DRIVER};

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  EXPECT_EQ(outcome.error_lines().size(), 2u) << outcome.err;
  EXPECT_NE(outcome.err.find(" runs CUDA up to 11.4; driver "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("Update the driver"), std::string::npos) << outcome.err;
}

// What `auto` makes of it: the clip, on the CPU.
TEST(Driver, ThatIsTooOldLeavesTheCpu) {
  Scene scene;
  scene.generate({"--device", "auto"});
  scene.command.started_by = {"env", "LD_LIBRARY_PATH=" REEL_OLD_DRIVER};

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

}  // namespace
}  // namespace reel::test
