// SPDX-License-Identifier: Apache-2.0
#include "client/server_connection.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "server/http/http_server.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::client {
namespace {

using server::HttpRequest;
using server::HttpResponse;

HttpResponse with_status(int status, const std::string& body) {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return response;
}

// "/429" is refused so; "/echo" tells what came.
HttpResponse answer(const HttpRequest& request) {
  if (request.path == "/echo") {
    return with_status(200, request.method + ' ' + request.header("authorization") + ' ' +
                                request.header("content-type") + ' ' + request.body);
  }
  if (request.path == "/proxy") return with_status(502, "<html>no JSON</html>");
  return with_status(std::stoi(request.path.substr(1)),
                     R"({"error": {"message": "It is so.", "code": null}})");
}

class ServerConnectionTest : public testing::Test {
 protected:
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  static server::HttpOptions any_port() {
    server::HttpOptions options;
    options.port = 0;
    return options;
  }

  std::unique_ptr<server::HttpServer> server_ =
      server::HttpServer::listen(any_port(), answer, [](const std::string&) { return false; });
};

TEST_F(ServerConnectionTest, SendsTheKeyAndTheBody) {
  ServerConnection connection({url() + "/", "rk-1"});
  EXPECT_EQ(connection.get("/echo"), "GET Bearer rk-1  ");
  EXPECT_EQ(connection.post("/echo", "{}"), "POST Bearer rk-1 application/json {}");
}

TEST_F(ServerConnectionTest, GivesTheServersWords) {
  ServerConnection connection({url(), ""});
  EXPECT_REEL_ERROR(connection.get("/400"), kInvalidArgument, "refuses: It is so.");
  EXPECT_REEL_ERROR(connection.get("/401"), kInvalidArgument, "--api-key");
  EXPECT_REEL_ERROR(connection.get("/404"), kNotFound, "It is so.");
  EXPECT_REEL_ERROR(connection.post("/429", "{}"), kBusy, "It is so.");
  EXPECT_REEL_ERROR(connection.remove("/500"), kNetwork, "failed: It is so.");
  EXPECT_REEL_ERROR(connection.get("/proxy"), kNetwork, "status 502.");
}

TEST_F(ServerConnectionTest, DownloadsAllOrNothing) {
  const test::TempFolder folder;
  ServerConnection connection({url(), ""});
  const StopFlag stop;

  connection.download("/echo", folder / "good", stop);
  EXPECT_REEL_ERROR(connection.download("/404", folder / "bad", stop), kNotFound, "It is so.");

  std::ifstream file(folder / "good");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "GET   ");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  StopFlag stopped;
  stopped.request();
  EXPECT_REEL_ERROR(connection.download("/echo", folder / "cut", stopped), kCancelled, "Stopped");
  EXPECT_FALSE(std::filesystem::exists(folder / "cut"));
}

TEST(ServerConnection, SaysThatNobodyIsThere) {
  ServerConnection connection({"http://127.0.0.1:1", ""});
  EXPECT_REEL_ERROR(connection.get("/"), kNetwork,
                    "Cannot reach the server http://127.0.0.1:1: nothing answers there.");
}

TEST(ServerConnection, WantsAnAddress) {
  for (const char* bad : {"", "localhost:8000", "ftp://a", "http://", "http:///x", "http://a/v1"}) {
    EXPECT_REEL_ERROR(ServerConnection({bad, ""}), kInvalidArgument, "no server's address");
  }
}

}  // namespace
}  // namespace reel::client
