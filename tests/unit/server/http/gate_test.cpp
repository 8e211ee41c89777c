// SPDX-License-Identifier: Apache-2.0
#include "server/http/gate.h"

#include <gtest/gtest.h>

#include "support/temp_folder.h"

namespace reel::server {
namespace {

HttpRequest with(std::vector<std::pair<std::string, std::string>> headers) {
  HttpRequest request;
  request.headers = std::move(headers);
  return request;
}

int status_of(const std::optional<HttpResponse>& refusal) { return refusal ? refusal->status : 0; }

TEST(Gate, LetsOnlyPagesOfItsOwnAsk) {
  const Gate gate({.host_names = {"reel.lan"}, .cors_origins = {"https://friend.org"}}, {});
  const auto check = [&](const std::string& host, const std::string& origin) {
    return status_of(gate.check_origin(with({{"host", host}, {"origin", origin}})));
  };
  EXPECT_EQ(check("localhost:80", ""), 0);
  EXPECT_EQ(check("localhost:80", "http://localhost:80"), 0);
  EXPECT_EQ(check("reel.lan", "https://reel.lan"), 0);
  EXPECT_EQ(check("localhost:80", "https://friend.org"), 0);
  EXPECT_EQ(check("localhost:80", "http://localhost:81"), 403);
  EXPECT_EQ(check("localhost:80", "https://evil.org"), 403);
  EXPECT_EQ(check("localhost:80", "null"), 403);
  EXPECT_EQ(check("evil.org", ""), 403);
  EXPECT_EQ(check("evil.org", "http://evil.org"), 403);
}

TEST(Gate, NeedsNoKeyWhereThereAreNone) {
  HttpRequest request;
  EXPECT_FALSE(Gate({}, {}).check_key(request));
  EXPECT_EQ(request.client, "");
}

TEST(Gate, KnowsAClientByItsKey) {
  const test::TempFolder folder;
  const std::string key = ApiKeys::add(folder / "keys", "anna");
  const Gate gate({}, ApiKeys(folder / "keys"));
  const auto check = [&](const std::string& header) {
    HttpRequest request = with({{"authorization", header}});
    const std::optional<HttpResponse> refusal = gate.check_key(request);
    return refusal ? std::to_string(refusal->status) : request.client;
  };
  EXPECT_EQ(check("Bearer " + key), "anna");
  EXPECT_EQ(check("Bearer " + key + " "), "401");
  EXPECT_EQ(check("Basic " + key), "401");
  EXPECT_EQ(check(key), "401");
  HttpRequest bare;
  const std::optional<HttpResponse> refusal = gate.check_key(bare);
  ASSERT_TRUE(refusal);
  EXPECT_NE(refusal->body.find("A key is needed"), std::string::npos);
}

TEST(Gate, TellsAllowedSitesAloneThatTheyMayRead) {
  const Gate gate({.host_names = {}, .cors_origins = {"https://friend.org"}}, {});
  const auto headers = [&](const std::string& origin) {
    HttpResponse response;
    gate.add_cors(with({{"origin", origin}}), response);
    return response.headers.size();
  };
  EXPECT_GT(headers("https://friend.org"), 0u);
  EXPECT_EQ(headers("https://evil.org"), 0u);
  EXPECT_EQ(headers(""), 0u);
}

}  // namespace
}  // namespace reel::server
