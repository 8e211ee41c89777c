// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_text.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::cli {
namespace {

TEST(ReadPrompt, GivesTheFilesText) {
  const test::TempFolder folder;
  std::ofstream(folder / "p.txt") << "a ball\nbounces";
  EXPECT_EQ(read_prompt(folder / "p.txt"), "a ball\nbounces");
}

TEST(ReadPrompt, RefusesWhatIsLongerThanAnyPrompt) {
  const test::TempFolder folder;
  std::ofstream(folder / "p.txt") << std::string((1 << 20) + 1, 'x');
  EXPECT_REEL_ERROR(read_prompt(folder / "p.txt"), kBadFile, "p.txt");
  EXPECT_REEL_ERROR(read_prompt(folder / "none.txt"), kNotFound, "none.txt");
}

}  // namespace
}  // namespace reel::cli
