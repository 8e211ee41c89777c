// SPDX-License-Identifier: Apache-2.0
#include "server/httplib/httplib_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/server/httplib/any_port.h"

namespace reel::server {
namespace {

// Says `text`, and hears until the server closes or `most_bytes` have come.
class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Client() { ::close(socket_); }

  void acknowledge_late() const {
    const int off = 0;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
  }
  void say(const std::string& text) const {
    (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  std::string hear(const std::string& until = {}) const {
    std::string text;
    char piece[4096];
    while (until.empty() || text.find(until) == std::string::npos) {
      const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
      if (got <= 0) break;
      text.append(piece, static_cast<size_t>(got));
    }
    return text;
  }

 private:
  int socket_;
};

HttpResponse echo(const HttpRequest& request) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = request.method + ' ' + request.path + ' ' + request.body;
  for (const auto& [name, value] : request.query) response.body += ' ' + name + '=' + value;
  return response;
}

const HttpServer::IsLong kNever = [](const std::string&) { return false; };

std::unique_ptr<HttpServer> listen(const HttpOptions& options, HttpServer::Handler handler,
                                   HttpServer::IsLong is_long) {
  return std::unique_ptr<HttpServer>(
      listen_with_httplib(options, std::move(handler), std::move(is_long)));
}

std::string ask(const HttpServer& server, const std::string& text) {
  const Client client(server.port());
  client.say(text);
  return client.hear();
}

// As a client does that has ears for whole answers alone: it acknowledges nothing before it must,
// 40 ms later, or sends what acknowledges it, too.
TEST(HttplibServer, SendsABodyBeforeItsHeadIsAcknowledged) {
  const auto server = listen(test::any_port(), echo, kNever);
  const Client client(server->port());
  auto least = std::chrono::steady_clock::duration::max();
  for (int at = 0; at < 5; ++at) {
    const auto start = std::chrono::steady_clock::now();
    client.acknowledge_late();
    client.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_NE(client.hear("GET / ").find("GET / "), std::string::npos);
    least = std::min(least, std::chrono::steady_clock::now() - start);
  }
  EXPECT_LT(least, std::chrono::milliseconds(30));
}

TEST(HttplibServer, HandsTheRequestOver) {
  const auto server = listen(test::any_port(), echo, kNever);
  EXPECT_NE(ask(*server, "GET /a%20b?x=1&y=%C3%A4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .find("GET /a b  x=1 y=\u00e4"),
            std::string::npos);
  EXPECT_NE(ask(*server,
                "POST /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: "
                "application/json\r\nContent-Length: 2\r\n\r\n{}")
                .find("POST /c {}"),
            std::string::npos);
}

TEST(HttplibServer, KeepsAConnectionForTheNextRequest) {
  const auto server = listen(test::any_port(), echo, kNever);
  const Client client(server->port());
  client.say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(client.hear("GET /2").find("GET /1"), std::string::npos);
  client.say("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.hear().find("GET /3"), std::string::npos);
}

TEST(HttplibServer, IsNotFooledByHeadersThatHttplibTrusts) {
  const auto server = listen(
      test::any_port(),
      [](const HttpRequest& request) {
        HttpResponse response;
        response.body = request.peer;
        return response;
      },
      kNever);
  const std::string range = "bytes=" + std::string(6000, '0') + "-";
  const std::string heard =
      ask(*server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: " + range +
                       "\r\nREMOTE_ADDR: 6.6.6.6\r\nAccept-Encoding: gzip, br\r\n\r\n");
  EXPECT_NE(heard.find("HTTP/1.1 200"), std::string::npos) << heard;
  EXPECT_NE(heard.find("\r\n\r\n127.0.0.1"), std::string::npos) << heard;
}

TEST(HttplibServer, SendsPartOfAFile) {
  const test::TempFolder folder;
  std::ofstream(folder / "clip") << std::string(200'000, 'a') << "0123456789";
  const auto server = listen(
      test::any_port(),
      [&](const HttpRequest&) {
        HttpResponse response;
        response.status = 206;
        response.file = FilePart{folder / "clip", 199'998, 5};
        return response;
      },
      kNever);
  const std::string heard = ask(*server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(heard.find("Content-Length: 5"), std::string::npos) << heard;
  EXPECT_NE(heard.find("\r\n\r\naa012"), std::string::npos) << heard;
}

TEST(HttplibServer, KeepsThreadsForRequestsWhileStreamsWait) {
  HttpOptions options = test::any_port();
  options.most_threads = 2;
  options.most_streams = 2;
  std::atomic<bool> ends{false};
  const auto server = listen(
      options,
      [&](const HttpRequest& request) {
        if (request.path != "/stream") return echo(request);
        HttpResponse response;
        response.stream = [&ends]() -> std::optional<std::string> {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          return ends ? std::nullopt : std::optional<std::string>("tick ");
        };
        return response;
      },
      [](const std::string& path) { return path == "/stream"; });
  const std::string get_stream = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";
  const Client first(server->port()), second(server->port()), third(server->port());
  for (const Client* client : {&first, &second}) {
    client->say(get_stream);
    EXPECT_NE(client->hear("tick").find("Transfer-Encoding: chunked"), std::string::npos);
  }

  third.say(get_stream);

  EXPECT_NE(third.hear().find("HTTP/1.1 503"), std::string::npos);
  EXPECT_NE(
      ask(*server, "GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").find("GET /ok"),
      std::string::npos);
  EXPECT_EQ(server->figures().streaming, 2u);
  ends = true;
  EXPECT_NE(first.hear("0\r\n\r\n").find("0\r\n\r\n"), std::string::npos);
}

TEST(HttplibServer, SaysThatThePortIsTaken) {
  const auto server = listen(test::any_port(), echo, kNever);
  HttpOptions same = test::any_port();
  same.port = server->port();
  EXPECT_REEL_ERROR(listen(same, echo, kNever), kIo, std::to_string(same.port));
}

}  // namespace
}  // namespace reel::server
