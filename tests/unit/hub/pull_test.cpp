// SPDX-License-Identifier: Apache-2.0
// What pull() answers before it reaches the network. With one: tests/e2e/pull_test.cpp.
#include <gtest/gtest.h>
#include <reel/hub.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/hub/environment.h"

namespace reel::hub {
namespace {

class PullTest : public testing::Test {
 protected:
  void SetUp() override {
    environment_.set("HF_ENDPOINT", "http://127.0.0.1:9");
    environment_.set("HF_HUB_CACHE", (folder_ / "cache").string());
    environment_.set("REEL_MODELS", (folder_ / "models").string());
  }
  test::TempFolder folder_;
  test::Environment environment_;
  Progress progress_;
};

TEST_F(PullTest, RefusesSettingsOutOfRange) {
  EXPECT_REEL_ERROR(pull({.model = "a/b", .connections = 0}, progress_), kInvalidArgument,
                    "connections is 0; 1 to 64");
  EXPECT_REEL_ERROR(pull({.model = "a/b", .timeout_s = 0}, progress_), kInvalidArgument,
                    "timeout is 0; 1 to 3600");
}

TEST_F(PullTest, RefusesNamesThatAreNone) {
  for (const char* name : {"", "a", "a/b/c", "../a", "a/..", "/etc/passwd"}) {
    EXPECT_REEL_ERROR(pull({.model = name}, progress_), kInvalidArgument,
                      "neither a name of the catalogue nor organisation/repository");
  }
  EXPECT_REEL_ERROR(pull({.model = "wan2.1-t2v-14b-fp8", .revision = "v1"}, progress_),
                    kInvalidArgument, "is a name of the catalogue");
}

TEST_F(PullTest, StopsBeforeItBegins) {
  progress_.stop_requested = true;
  EXPECT_REEL_ERROR(pull({.model = "a/b"}, progress_), kCancelled, "Stopped");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cache"));
}

}  // namespace
}  // namespace reel::hub
