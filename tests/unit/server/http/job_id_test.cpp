// SPDX-License-Identifier: Apache-2.0
#include "server/http/job_id.h"

#include <gtest/gtest.h>

#include <set>

namespace reel::server {
namespace {

TEST(JobId, IsNeverTheSame) {
  std::set<std::string> ids;
  for (int at = 0; at < 1000; ++at) ids.insert(new_job_id());

  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_TRUE(is_job_id(*ids.begin()));
  EXPECT_EQ(ids.begin()->size(), std::string("video_").size() + 32);
}

TEST(JobId, IsNoPath) {
  for (const char* bad : {"", ".", "..", "../x", "a/b", "-a", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(is_job_id(bad)) << bad;
  }
  EXPECT_FALSE(is_job_id(std::string(65, 'a')));
  for (const char* good : {"a", "7", "task-1.b_C"}) EXPECT_TRUE(is_job_id(good)) << good;
}

TEST(JobId, TimeIsOfThisCentury) {
  EXPECT_GT(unix_ms(), 1'700'000'000'000);
  EXPECT_LT(unix_ms(), 4'100'000'000'000);
}

}  // namespace
}  // namespace reel::server
