// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "support/expect_error.h"

namespace reel::cli {
namespace {

class FlagsTest : public testing::Test {
 protected:
  FlagsTest() {
    flags_.add("--out", out_, "where it goes");
    flags_.add("-n,--number", number_, "how many");
    flags_.add_switch("--force", force_, "replace it");
  }

  void parse(std::vector<const char*> words) {
    words.insert(words.begin(), "test");
    Terminal terminal;
    flags_.parse(static_cast<int>(words.size()), words.data(), terminal);
  }

  Flags flags_{"test", "flags"};
  std::string out_;
  int number_ = 0;
  bool force_ = false;
};

TEST_F(FlagsTest, TellsTheFirstThatIsNoneOfTheNamed) {
  parse({"--out", "clip.mp4", "--force", "-n", "3"});

  EXPECT_EQ(flags_.first_given_beside({"out", "force", "number"}), "");
  EXPECT_EQ(flags_.first_given_beside({"out", "force"}), "-n");
  EXPECT_EQ(flags_.first_given_beside({"out"}), "--force");
  EXPECT_EQ(flags_.first_given_beside({}), "--out");
}

TEST_F(FlagsTest, TellsAFlagWithItsValueInOneWord) {
  parse({"--number=3", "--out=a=b"});

  EXPECT_EQ(number_, 3);
  EXPECT_EQ(out_, "a=b");
  EXPECT_EQ(flags_.first_given_beside({"out"}), "--number");
}

TEST_F(FlagsTest, WhatTheEnvironmentSetsWasNotGiven) {
  ::setenv("REEL_NUMBER", "5", 1);
  parse({"--out", "clip.mp4"});
  ::unsetenv("REEL_NUMBER");

  EXPECT_EQ(number_, 5);
  EXPECT_EQ(flags_.first_given_beside({"out"}), "");
}

TEST_F(FlagsTest, NamesWhatItCannotRead) {
  EXPECT_REEL_ERROR(parse({"--number", "three"}), kInvalidArgument, "--number is \"three\"");
  EXPECT_REEL_ERROR(parse({"red", "ball"}), kInvalidArgument, "\"red\" belongs to no flag of");
  EXPECT_REEL_ERROR(parse({"--colour"}), kInvalidArgument, "\"--colour\" is not a flag of");
  EXPECT_REEL_ERROR(parse({"--out"}), kInvalidArgument, "--out needs a value.");
  EXPECT_REEL_ERROR(parse({"--force", "--out", "a", "--out", "b"}), kInvalidArgument,
                    "--out was given more than once.");
}

TEST(FlagsHelp, HasGroupsDefaultsAndNoFlagThatIsHidden) {
  ModelOptions model;
  std::string secret;
  int port = 8000, threads = 0;
  Flags flags("test", "make clips");
  flags.add("--port", port, "the port");
  flags.add("--nothing", threads, "0 for all");
  flags.add("--secret", secret, "for nobody");
  flags.hidden();
  flags.add_model(model);
  Terminal terminal;
  const std::vector<const char*> words{"test", "--help"};
  testing::internal::CaptureStdout();
  EXPECT_TRUE(flags.parse(2, words.data(), terminal));
  const std::string help = testing::internal::GetCapturedStdout();

  EXPECT_TRUE(help.starts_with("Make clips.\n")) << help;
  EXPECT_NE(help.find("--port INT=8000"), std::string::npos) << help;
  EXPECT_NE(help.find("--nothing INT "), std::string::npos) << help;
  EXPECT_EQ(help.find("\n\n\n"), std::string::npos) << help;
  EXPECT_NE(help.find("\nModel and machine:\n"), std::string::npos) << help;
  EXPECT_EQ(help.find("secret"), std::string::npos) << help;
  EXPECT_EQ(help.find("REEL_PORT"), std::string::npos) << help;
  EXPECT_NE(help.find("REEL_LOG_FILE=run.log"), std::string::npos) << help;
}

}  // namespace
}  // namespace reel::cli
