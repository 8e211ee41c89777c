// SPDX-License-Identifier: Apache-2.0
#include "hub/retry.h"

#include <gtest/gtest.h>

namespace reel::hub {
namespace {

using std::chrono::milliseconds;

HttpOutcome answered(int status, std::optional<int> retry_after = {}) {
  HttpOutcome outcome{.is_complete = true};
  outcome.head.status = status;
  outcome.head.url = "https://hub.example/x";
  outcome.head.retry_after_s = retry_after;
  return outcome;
}

HttpOutcome broken(bool is_hopeless = false) {
  return {.problem = "hub.example: Timeout was reached", .is_hopeless = is_hopeless};
}

TEST(Retry, OnlyWhatMayPass) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    EXPECT_TRUE(is_worth_retrying(answered(status))) << status;
  }
  for (const int status : {200, 400, 401, 403, 404, 410, 416, 501}) {
    EXPECT_FALSE(is_worth_retrying(answered(status))) << status;
  }
  EXPECT_TRUE(is_worth_retrying(broken()));
  EXPECT_FALSE(is_worth_retrying(broken(true)));
}

TEST(Retry, DelaysDoubleUpToALimit) {
  const RetryOptions options{.attempts = 8};
  EXPECT_EQ(retry_delay(broken(), 1, options), milliseconds(1000));
  EXPECT_EQ(retry_delay(broken(), 2, options), milliseconds(2000));
  EXPECT_EQ(retry_delay(broken(), 5, options), milliseconds(16000));
  EXPECT_EQ(retry_delay(broken(), 7, options), milliseconds(30000));
  EXPECT_EQ(retry_delay(broken(), 8, options), std::nullopt);
}

TEST(Retry, TheServersWishCountsWhenItIsLonger) {
  const RetryOptions options;
  EXPECT_EQ(retry_delay(answered(429, 7), 1, options), milliseconds(7000));
  EXPECT_EQ(retry_delay(answered(503, 1), 3, options), milliseconds(4000));
  EXPECT_EQ(retry_delay(answered(429, -5), 1, options), milliseconds(1000));
  EXPECT_EQ(retry_delay(answered(429, 301), 1, options), std::nullopt);
}

TEST(Retry, ErrorsSayWhatToDo) {
  EXPECT_EQ(error_of(answered(404), "\"a/b\"", false).code(), ErrorCode::kNotFound);
  EXPECT_NE(error_of(answered(404), "\"a/b\"", false).hint().find("set HF_TOKEN"),
            std::string::npos);
  EXPECT_EQ(error_of(answered(403), "\"a/b\"", true).code(), ErrorCode::kNetwork);
  EXPECT_NE(error_of(answered(403), "\"a/b\"", true).hint().find("terms"), std::string::npos);
  EXPECT_EQ(error_of(broken(), "\"a/b\"", false).what(),
            std::string("Cannot get \"a/b\" (hub.example: Timeout was reached)."));
  HttpOutcome unknown = answered(401);
  unknown.head.error_code = "RepoNotFound";
  EXPECT_EQ(error_of(unknown, "\"a/b\"", false).code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_of(answered(500), "\"a/b\"", false).what(),
            std::string("hub.example answered HTTP 500 for \"a/b\"."));
}

}  // namespace
}  // namespace reel::hub
