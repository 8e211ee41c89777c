// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_head.h"

#include <gtest/gtest.h>

namespace reel::server {
namespace {

constexpr size_t kMostBytes = 1000;

// 0 when it is good.
int status_of(const std::string& text) {
  RequestHead head;
  const auto problem = read_head(text, kMostBytes, head);
  return problem ? problem->status : 0;
}

TEST(RequestHead, ReadsLineAndHeaders) {
  RequestHead head;
  const auto problem = read_head(
      "POST /v1/videos?a=%20 HTTP/1.1\r\nHost: localhost:8000\r\nX-Empty:\r\n"
      "CONTENT-Length: \t 12 ",
      kMostBytes, head);

  ASSERT_FALSE(problem) << problem->message;
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v1/videos?a=%20");
  EXPECT_EQ(head.header("host"), "localhost:8000");
  EXPECT_EQ(head.header("x-empty"), "");
  EXPECT_EQ(head.content_bytes, 12u);
  EXPECT_TRUE(head.keeps_alive);
  EXPECT_FALSE(head.awaits_continue);
}

TEST(RequestHead, RefusesWhatCouldBeReadInTwoWays) {
  const std::string good = "GET / HTTP/1.1\r\nHost: a";
  ASSERT_EQ(status_of(good), 0);
  const std::pair<std::string, int> cases[] = {
      {"GET / HTTP/1.1", 400},                         // no Host
      {good + "\r\nHost: b", 400},                     // two
      {"GET  / HTTP/1.1\r\nHost: a", 400},             // two spaces
      {"GET /\r\nHost: a", 400},                       // HTTP/0.9
      {"GET / HTTP/2.0\r\nHost: a", 505},              //
      {"BREW / HTTP/1.1\r\nHost: a", 405},             //
      {"G(T / HTTP/1.1\r\nHost: a", 400},              //
      {"GET http://a/ HTTP/1.1\r\nHost: a", 400},      // a proxy's form
      {"GET /a%2 HTTP/1.1\r\nHost: a", 400},           //
      {"GET /a%00b HTTP/1.1\r\nHost: a", 400},         //
      {"GET /a%0d%0aX: HTTP/1.1\r\nHost: a", 400},     //
      {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a", 400},      //
      {good + "\r\nX : b", 400},                       // space before ':'
      {good + "\r\n X: folded", 400},                  //
      {good + "\r\nX: a\nY: b", 400},                  // a line ends with CR LF
      {good + "\r\nX: a\rY: b", 400},                  //
      {good + "\r\nX: a\r\n\r\nY: b", 400},            //
      {good + "\r\nno colon", 400},                    //
      {good + "\r\nTransfer-Encoding: chunked", 411},  //
      {good + "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 411},  //
      {good + "\r\nContent-Length: 5\r\nContent-Length: 6", 400},           //
      {good + "\r\nContent-Length: 5, 5", 400},                             //
      {good + "\r\nContent-Length: +5", 400},                               //
      {good + "\r\nContent-Length: ", 400},                                 //
      {good + "\r\nContent-Length: 1001", 413},                             //
      {good + "\r\nContent-Length: 99999999999999999999", 413},             //
      {good + "\r\nContent-Encoding: gzip", 415},                           // could unpack to much
      {good + "\r\nExpect: magic", 417},                                    //
      {"GET /" + std::string(kLongestTarget, 'a') + " HTTP/1.1\r\nHost: a", 414},
      {"", 400},
  };
  for (const auto& [text, status] : cases) EXPECT_EQ(status_of(text), status) << text;
}

TEST(RequestHead, CountsItsHeaders) {
  std::string text = "GET / HTTP/1.1\r\nHost: a";
  for (size_t at = 1; at < kMostHeaders; ++at) text += "\r\nX: y";
  EXPECT_EQ(status_of(text), 0);
  EXPECT_EQ(status_of(text + "\r\nX: y"), 431);
}

TEST(RequestHead, KnowsWhetherTheConnectionStays) {
  const auto stays = [](const std::string& version, const std::string& connection) {
    RequestHead head;
    EXPECT_FALSE(read_head("GET / " + version + "\r\nHost: a" + connection, kMostBytes, head));
    return head.keeps_alive;
  };
  EXPECT_TRUE(stays("HTTP/1.1", ""));
  EXPECT_FALSE(stays("HTTP/1.1", "\r\nConnection: Close"));
  EXPECT_FALSE(stays("HTTP/1.0", ""));
  EXPECT_TRUE(stays("HTTP/1.0", "\r\nConnection: keep-alive"));
}

TEST(RequestHead, AwaitsContinueOnlyWithABody) {
  RequestHead head;
  ASSERT_FALSE(read_head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-Continue",
                         kMostBytes, head));
  EXPECT_TRUE(head.awaits_continue);
  RequestHead bare;
  ASSERT_FALSE(read_head("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue", kMostBytes, bare));
  EXPECT_FALSE(bare.awaits_continue);
}

}  // namespace
}  // namespace reel::server
