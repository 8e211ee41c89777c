// SPDX-License-Identifier: Apache-2.0
#include "server/http/api.h"

#include <gtest/gtest.h>
#include <reel/error.h>

#include <stdexcept>

#include "server/http/api_error.h"
#include "server/http/http_types.h"
#include "server/http/router.h"
#include "support/temp_folder.h"

namespace reel::server {
namespace {

HttpResponse words(std::string text) {
  HttpResponse response;
  response.body = std::move(text);
  return response;
}

Router make_router() {
  Router router;
  router.add({
      {"GET", "/things", [](const auto&, const auto&) { return words("all"); }},
      {"POST", "/things", [](const auto&, const auto&) { return words("made"); }},
      {"GET", "/things/{id}/part",
       [](const HttpRequest&, const PathValues& path) {
         return words("part of " + path.at("id"));
       }},
      {"GET", "/open", [](const auto&, const auto&) { return words("open"); }, true},
      {"GET", "/busy",
       [](const auto&, const auto&) -> HttpResponse {
         throw Error(ErrorCode::kBusy, "Full.", "Wait.");
       }},
      {"GET", "/secret",
       [](const auto&, const auto&) -> HttpResponse {
         throw Error(ErrorCode::kIo, "/home/anna is full.");
       }},
      {"GET", "/bug",
       [](const auto&, const auto&) -> HttpResponse { throw std::runtime_error("inner"); }},
      {"GET", "/api",
       [](const auto&, const auto&) -> HttpResponse {
         throw ApiError(400, "Wrong.", "invalid_value", "size");
       }},
  });
  return router;
}

HttpResponse ask(Api& api, const std::string& method, const std::string& path) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.headers = {{"host", "localhost"}};
  return api.answer(request, [] { return 7; });
}

std::string header(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(Api, FindsTheRoute) {
  Api api({{}, {}}, make_router());
  EXPECT_EQ(ask(api, "GET", "/things").body, "all");
  EXPECT_EQ(ask(api, "POST", "/things/").body, "made");
  EXPECT_EQ(ask(api, "HEAD", "/things").body, "all");
  EXPECT_EQ(ask(api, "GET", "/things/a b/part").body, "part of a b");
  EXPECT_EQ(ask(api, "GET", "/things//part").body, "part of ");
  for (const char* path : {"/", "", "/thing", "/things/x", "//things", "/things/../open/x"}) {
    EXPECT_EQ(ask(api, "GET", path).status, 404) << path;
  }
}

TEST(Api, SaysWhichMethodsThereAre) {
  Api api({{}, {}}, make_router());
  const HttpResponse wrong = ask(api, "DELETE", "/things");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header(wrong, "Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(ask(api, "OPTIONS", "/things").status, 204);
}

TEST(Api, AnswersErrorsAsOpenAiDoes) {
  Api api({{}, {}}, make_router());
  const HttpResponse busy = ask(api, "GET", "/busy");
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(header(busy, "Retry-After"), "7");
  EXPECT_EQ(
      busy.body,
      R"({"error":{"code":"queue_full","message":"Full.","param":null,"type":"rate_limit_error"}})");
  EXPECT_EQ(
      ask(api, "GET", "/api").body,
      R"({"error":{"code":"invalid_value","message":"Wrong.","param":"size","type":"invalid_request_error"}})");
}

TEST(Api, KeepsWhatIsTheServersToItself) {
  Api api({{}, {}}, make_router());
  for (const char* path : {"/secret", "/bug"}) {
    const HttpResponse response = ask(api, "GET", path);
    EXPECT_GE(response.status, 500);
    EXPECT_EQ(response.body.find("anna"), std::string::npos);
    EXPECT_EQ(response.body.find("inner"), std::string::npos);
  }
}

TEST(Api, AsksForAKeyBeforeARouteRuns) {
  const test::TempFolder folder;
  ApiKeys::add(folder / "keys", "anna");
  Api api({{}, ApiKeys(folder / "keys")}, make_router());
  EXPECT_EQ(ask(api, "GET", "/things").status, 401);
  EXPECT_EQ(ask(api, "GET", "/bug").status, 401);
  EXPECT_EQ(ask(api, "GET", "/open").body, "open");
}

TEST(Api, TellsBrowsersNotToGuessOrKeep) {
  Api api({{}, {}}, make_router());
  const HttpResponse response = ask(api, "GET", "/things");
  EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST(HttpRequest, GivesTheFirstHeaderOfAName) {
  HttpRequest request;
  request.headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(request.header("a"), "1");
  EXPECT_EQ(request.header("c"), "");
}

TEST(ApiError, HasAStatusForEveryKind) {
  EXPECT_EQ(http_status(ErrorCode::kInvalidArgument), 400);
  EXPECT_EQ(http_status(ErrorCode::kOutOfMemory), 507);
  EXPECT_EQ(http_status(ErrorCode::kBusy), 429);
  EXPECT_STREQ(status_words(413), "Content Too Large");
}

}  // namespace
}  // namespace reel::server
