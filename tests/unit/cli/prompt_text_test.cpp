// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_text.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

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

// As the shell's <(echo ...) gives one.
TEST(ReadPrompt, ReadsAPipeToItsEnd) {
  const test::TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "a ball\n"; });
  EXPECT_EQ(read_prompt(pipe), "a ball\n");
  writer.join();

  std::thread babbler([&] { std::ofstream(pipe) << std::string((1 << 20) + 1, 'x'); });
  EXPECT_REEL_ERROR(read_prompt(pipe), kBadFile, "more than a MiB");
  babbler.join();
  EXPECT_EQ(read_prompt("/dev/null"), "");
}

}  // namespace
}  // namespace reel::cli
