// SPDX-License-Identifier: Apache-2.0
#include "server/http/host_names.h"

#include <gtest/gtest.h>

namespace reel::server {
namespace {

TEST(HostNames, TakesThePortOff) {
  EXPECT_EQ(host_of("LocalHost:8000"), "localhost");
  EXPECT_EQ(host_of("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(host_of("[::1]:8000"), "::1");
  for (const char* bad : {"", "[::1", "[evil]", "a:b", "a:123456", "[::1]x", ":80"}) {
    EXPECT_EQ(host_of(bad), "") << bad;
  }
}

TEST(HostNames, KnowsWhatOnlyThisMachineReaches) {
  for (const char* near : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) {
    EXPECT_TRUE(is_loopback(near)) << near;
  }
  for (const char* far : {"0.0.0.0", "::", "192.168.0.1", "127.evil.org", "example.org", ""}) {
    EXPECT_FALSE(is_loopback(far)) << far;
  }
}

TEST(HostNames, AnswersToNumbersAndToNamesItWasTold) {
  const std::vector<std::string> names = {"Reel.Example.org"};
  for (const char* good :
       {"127.0.0.1:8000", "10.0.0.7", "[fe80::1]:1", "localhost", "reel.example.org:443"}) {
    EXPECT_TRUE(is_answered_host(good, names)) << good;
  }
  for (const char* bad : {"evil.org", "evil.org:8000", "reel.example.org.evil.org",
                          "127.0.0.1.evil", "localhost.evil.org", ""}) {
    EXPECT_FALSE(is_answered_host(bad, names)) << bad;
  }
}

}  // namespace
}  // namespace reel::server
