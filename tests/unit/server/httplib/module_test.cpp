// SPDX-License-Identifier: Apache-2.0
// The module as the program opens it.
#include <gtest/gtest.h>
#include <reel/version.h>

#include "server/http/httplib_module.h"
#include "server/httplib/httplib_client.h"
#include "unit/server/httplib/any_port.h"

namespace reel::server {
namespace {

TEST(HttplibModule, SpeaksWithItself) {
  ASSERT_STREQ(httplib_module().version, kVersion);
  const auto server = HttpServer::listen(
      test::any_port(),
      [](const HttpRequest& request) {
        HttpResponse response;
        response.status = request.path == "/no" ? 404 : 200;
        response.body = request.method + ' ' + request.path + ' ' + request.body + ' ' +
                        request.header("authorization");
        return response;
      },
      [](const std::string&) { return false; });
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port());
  const std::unique_ptr<HttpClient> opened = HttpClient::connect(url);
  const std::unique_ptr<HttpClient> linked(connect_with_httplib(url));

  for (HttpClient* client : {opened.get(), linked.get()}) {
    client->set_bearer("key");
    EXPECT_EQ(client->get("/a").body, "GET /a  Bearer key");
    EXPECT_EQ(client->post("/b", "{}").body, "POST /b {} Bearer key");
    EXPECT_EQ(client->remove("/c").body, "DELETE /c  Bearer key");
    std::string pieces;
    const HttpClient::Receive receive = [&](std::string_view piece) {
      pieces += piece;
      return true;
    };
    EXPECT_EQ(client->get("/d", receive).status, 200);
    EXPECT_EQ(pieces, "GET /d  Bearer key");
    const HttpReply refused = client->get("/no", receive);
    EXPECT_EQ(refused.status, 404);
    EXPECT_EQ(refused.body, "GET /no  Bearer key");
    EXPECT_EQ(pieces, "GET /d  Bearer key");
  }
}

TEST(HttplibModule, SaysWhyThereIsNoAnswer) {
  const HttpReply reply = HttpClient::connect("http://127.0.0.1:1")->get("/");
  EXPECT_EQ(reply.status, 0);
  EXPECT_FALSE(reply.problem.empty());
}

}  // namespace
}  // namespace reel::server
