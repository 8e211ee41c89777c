// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_target.h"

#include <gtest/gtest.h>

namespace reel::server {
namespace {

TEST(RequestTarget, IsPathAndQuery) {
  std::string path;
  std::multimap<std::string, std::string> query;

  read_target("/a%20b/%C3%A4+c?x=1&y=a+b%26&&z&x=%3D", path, query);

  EXPECT_EQ(path, "/a b/\xc3\xa4+c");
  EXPECT_EQ(query, (std::multimap<std::string, std::string>{
                       {"x", "1"}, {"x", "="}, {"y", "a b&"}, {"z", ""}}));
}

TEST(RequestTarget, LeavesWhatIsNoCode) {
  EXPECT_EQ(decode_percent("%41%4"), "A%4");
  EXPECT_EQ(decode_percent("%zz%"), "%zz%");
  EXPECT_EQ(decode_percent("%2e%2E%2f"), "../");
}

}  // namespace
}  // namespace reel::server
