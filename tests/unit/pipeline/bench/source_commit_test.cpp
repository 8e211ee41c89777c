// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/source_commit.h"

#include <gtest/gtest.h>

namespace reel::pipeline {
namespace {

TEST(SourceCommit, IsACommitOrNothing) {
  const std::string commit = source_commit();

  const std::string hash = commit.substr(0, commit.find('-'));
  EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos) << commit;
  EXPECT_TRUE(commit == hash || commit == hash + "-dirty") << commit;
}

}  // namespace
}  // namespace reel::pipeline
