// SPDX-License-Identifier: Apache-2.0
#include "server/http/lobby.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace reel::server {
namespace {

using std::chrono::milliseconds;

class LobbyTest : public testing::Test {
 protected:
  ~LobbyTest() override {
    lobby_.reset();
    for (const int socket : clients_) ::close(socket);
    for (const ArrivedRequest& one : arrived_) ::close(one.socket);
  }

  void open(const LobbyLimits& limits) {
    lobby_.emplace(limits, [this](ArrivedRequest request) {
      const std::lock_guard lock(mutex_);
      arrived_.push_back(std::move(request));
      there_.notify_all();
    });
  }
  // A client's end of a new connection.
  int connect() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    clients_.push_back(ends[0]);
    lobby_->add(ends[1]);
    return ends[0];
  }
  static void say(int client, const std::string& text) {
    ASSERT_EQ(::send(client, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // All that the server says until it closes.
  static std::string hear(int client) {
    std::string text;
    char piece[4096];
    while (true) {
      const ssize_t got = ::recv(client, piece, sizeof piece, 0);
      if (got <= 0) return text;
      text.append(piece, static_cast<size_t>(got));
    }
  }
  std::optional<ArrivedRequest> next() {
    std::unique_lock lock(mutex_);
    if (!there_.wait_for(lock, std::chrono::seconds(10),
                         [&] { return taken_ < arrived_.size(); })) {
      return std::nullopt;
    }
    return arrived_[taken_++];
  }

  std::optional<Lobby> lobby_;
  std::vector<int> clients_;
  std::mutex mutex_;
  std::condition_variable there_;
  std::deque<ArrivedRequest> arrived_;
  size_t taken_ = 0;
};

TEST_F(LobbyTest, HandsOverARequestThatCameByteByByte) {
  open({});
  const int client = connect();
  for (const char letter :
       std::string("POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nxyGE")) {
    say(client, std::string(1, letter));
  }

  const std::optional<ArrivedRequest> request = next();

  ASSERT_TRUE(request);
  EXPECT_EQ(request->head.target, "/a");
  EXPECT_EQ(request->content, "xy");
  lobby_->add(::dup(request->socket), request->rest);
  say(client, "T /b HTTP/1.1\r\nHost: b\r\n\r\n");
  const std::optional<ArrivedRequest> second = next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->head.target, "/b");
}

TEST_F(LobbyTest, LetsOthersPassAClientThatDawdles) {
  open({});
  for (int at = 0; at < 200; ++at) say(connect(), "GET /slow HTTP/1.1\r\nX: ");
  const int quick = connect();
  say(quick, "GET /quick HTTP/1.1\r\nHost: b\r\n\r\n");

  const std::optional<ArrivedRequest> request = next();

  ASSERT_TRUE(request);
  EXPECT_EQ(request->head.target, "/quick");
  // The lobby forgets a request after it has handed it on.
  for (int wait = 0; wait < 500 && lobby_->size() != 200; ++wait) ::usleep(10'000);
  EXPECT_EQ(lobby_->size(), 200u);
}

TEST_F(LobbyTest, EndsWhatTakesTooLong) {
  open({.head_deadline = milliseconds(50), .content_deadline = milliseconds(50)});
  const int in_head = connect(), in_content = connect();
  say(in_head, "GET / HTTP/1.1\r\n");
  say(in_content, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");

  EXPECT_NE(hear(in_head).find("HTTP/1.1 408"), std::string::npos);
  EXPECT_NE(hear(in_content).find("HTTP/1.1 408"), std::string::npos);
}

TEST_F(LobbyTest, GivesNoMoreTimeForMoreBytes) {
  open({.head_deadline = milliseconds(150)});
  const int client = connect();
  const auto start = std::chrono::steady_clock::now();
  say(client, "GET / HTTP/1.1\r\nX: ");
  std::string heard;
  while (heard.empty() && std::chrono::steady_clock::now() - start < std::chrono::seconds(5)) {
    (void)!::send(client, "a", 1, MSG_NOSIGNAL);
    char piece[512];
    const ssize_t got = ::recv(client, piece, sizeof piece, MSG_DONTWAIT);
    if (got > 0) heard.assign(piece, static_cast<size_t>(got));
    ::usleep(10'000);
  }

  EXPECT_NE(heard.find("408"), std::string::npos);
}

TEST_F(LobbyTest, ClosesASilentConnectionWithoutAWord) {
  open({.idle = milliseconds(30)});
  EXPECT_EQ(hear(connect()), "");
}

TEST_F(LobbyTest, SaysWhyARequestIsRefused) {
  open({.most_content_bytes = 10});
  const int client = connect();
  say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");

  const std::string heard = hear(client);

  EXPECT_NE(heard.find("HTTP/1.1 413 Content Too Large"), std::string::npos) << heard;
  EXPECT_NE(heard.find("at most 10"), std::string::npos) << heard;
}

TEST_F(LobbyTest, RefusesHeadersWithoutEnd) {
  open({});
  const int client = connect();
  say(client, "GET / HTTP/1.1\r\nX: " + std::string(kMostHeadBytes, 'a'));

  EXPECT_NE(hear(client).find("HTTP/1.1 431"), std::string::npos);
}

TEST_F(LobbyTest, MakesRoomByClosingWhatHasWaitedLongest) {
  open({.most_connections = 3});
  const int first = connect();
  for (int at = 0; at < 3; ++at) connect();

  EXPECT_EQ(hear(first), "");
}

TEST_F(LobbyTest, HoldsNoMoreBytesThanItWasTold) {
  open({.most_content_bytes = 5000, .most_buffered_bytes = 6000});
  const std::string half =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + std::string(4000, 'x');
  const int first = connect();
  say(first, half);
  while (lobby_->size() < 1) ::usleep(1000);
  say(connect(), half);

  EXPECT_EQ(hear(first), "");
}

TEST_F(LobbyTest, TellsACarefulClientToContinue) {
  open({});
  const int client = connect();
  say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  char words[64] = {};
  ASSERT_GT(::recv(client, words, sizeof words - 1, 0), 0);
  EXPECT_EQ(std::string(words), "HTTP/1.1 100 Continue\r\n\r\n");

  say(client, "ok");

  const std::optional<ArrivedRequest> request = next();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->content, "ok");
}

}  // namespace
}  // namespace reel::server
