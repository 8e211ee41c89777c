// SPDX-License-Identifier: Apache-2.0
#include "server/http/lobby.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "server/http/api_error.h"

namespace reel::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long a client that was refused may take to read why.
constexpr milliseconds kLastWords{1000};
constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::string address_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
  const void* bytes =
      address.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  const bool is_internet = address.ss_family == AF_INET || address.ss_family == AF_INET6;
  if (!is_internet || ::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr) {
    return "local";
  }
  return text.data();
}

struct Connection {
  int socket = -1;
  std::string peer;
  std::string bytes;
  std::optional<RequestHead> head;
  size_t head_bytes = 0;  // with the empty line
  bool is_refused = false;
  Clock::time_point deadline;
};

enum class Next { kWait, kClose, kArrived };

}  // namespace

std::string refusal_text(int status, const std::string& message) {
  const std::string body = error_json(status, message, {});
  return str_cat("HTTP/1.1 ", status, ' ', status_words(status),
                 "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
                 status == 503 ? "\r\nRetry-After: 1" : "",
                 status == 405 ? "\r\nAllow: GET, HEAD, POST, DELETE, OPTIONS" : "",
                 "\r\nConnection: close\r\n\r\n", body);
}

class Lobby::Impl {
 public:
  Impl(const LobbyLimits& limits, std::function<void(ArrivedRequest)> arrived)
      : limits_(limits), arrived_(std::move(arrived)), wake_(::eventfd(0, EFD_NONBLOCK)) {
    REEL_REQUIRE(wake_ >= 0, kInternal, "The system gives no event descriptor.",
                 "Raise the limit on open files (ulimit -n).");
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    ends_ = true;
    wake();
    thread_.join();
    for (const Connection& one : connections_) ::close(one.socket);
    for (const Connection& one : added_) ::close(one.socket);
    ::close(wake_);
  }

  void add(int socket, std::string rest) {
    const int flags = ::fcntl(socket, F_GETFL);
    ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
    Connection connection;
    connection.socket = socket;
    connection.peer = address_of(socket);
    connection.bytes = std::move(rest);
    connection.deadline =
        Clock::now() + (connection.bytes.empty() ? limits_.idle : limits_.head_deadline);
    {
      const std::lock_guard lock(mutex_);
      added_.push_back(std::move(connection));
    }
    wake();
  }

  size_t size() const { return size_; }

 private:
  void wake() const {
    const uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
  }

  void run() {
    while (!ends_) {
      std::vector<pollfd> polled{{.fd = wake_, .events = POLLIN, .revents = 0}};
      Clock::time_point next = Clock::now() + milliseconds(60'000);
      for (const Connection& one : connections_) {
        polled.push_back({.fd = one.socket, .events = POLLIN, .revents = 0});
        next = std::min(next, one.deadline);
      }
      const auto wait = std::chrono::duration_cast<milliseconds>(next - Clock::now()).count() + 1;
      ::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000)));
      serve(polled);
      take_added();
      make_room();
      size_ = connections_.size();
    }
  }

  void serve(const std::vector<pollfd>& polled) {
    const Clock::time_point now = Clock::now();
    auto connection = connections_.begin();
    for (size_t at = 1; at < polled.size(); ++at) {
      Next next = Next::kWait;
      if (polled[at].revents != 0) next = read(*connection);
      if (next == Next::kWait && now >= connection->deadline) next = expire(*connection);
      connection = follow(connection, next);
    }
  }

  std::list<Connection>::iterator follow(std::list<Connection>::iterator at, Next next) {
    if (next == Next::kWait) return std::next(at);
    if (next == Next::kClose) {
      ::close(at->socket);
    } else {
      arrive(*at);
    }
    return connections_.erase(at);
  }

  void take_added() {
    uint64_t count = 0;
    (void)!::read(wake_, &count, sizeof count);
    std::vector<Connection> added;
    {
      const std::lock_guard lock(mutex_);
      added.swap(added_);
    }
    for (Connection& one : added) {
      connections_.push_back(std::move(one));
      const auto last = std::prev(connections_.end());
      if (!last->bytes.empty()) follow(last, advance(*last));
    }
  }

  // The front of the list has waited longest.
  void make_room() {
    size_t bytes = 0;
    for (const Connection& one : connections_) bytes += one.bytes.size();
    while (!connections_.empty() && (connections_.size() > limits_.most_connections ||
                                     bytes > limits_.most_buffered_bytes)) {
      bytes -= connections_.front().bytes.size();
      ::close(connections_.front().socket);
      connections_.pop_front();
    }
  }

  Next read(Connection& connection) {
    std::array<char, 16384> buffer;
    const ssize_t got = ::recv(connection.socket, buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Next::kWait : Next::kClose;
    if (got == 0) return Next::kClose;
    if (connection.is_refused) return Next::kWait;  // what it still sends is dropped
    if (connection.bytes.empty()) connection.deadline = Clock::now() + limits_.head_deadline;
    connection.bytes.append(buffer.data(), static_cast<size_t>(got));
    return advance(connection);
  }

  Next expire(Connection& connection) {
    if (connection.is_refused || connection.bytes.empty()) return Next::kClose;
    return refuse(connection, 408, "The request took too long to arrive.");
  }

  Next advance(Connection& connection) {
    if (!connection.head) {
      const size_t end = connection.bytes.find(kEndOfHead);
      if (end == std::string::npos || end > kMostHeadBytes) {
        if (connection.bytes.size() <= kMostHeadBytes) return Next::kWait;
        return refuse(connection, 431,
                      str_cat("The headers have more than ", kMostHeadBytes, " bytes."));
      }
      RequestHead head;
      const auto problem = read_head(std::string_view(connection.bytes).substr(0, end),
                                     limits_.most_content_bytes, head);
      if (problem) return refuse(connection, problem->status, problem->message);
      connection.head_bytes = end + kEndOfHead.size();
      connection.head = std::move(head);
      connection.deadline = Clock::now() + limits_.content_deadline;
      if (connection.head->awaits_continue) say(connection, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    const size_t whole = connection.head_bytes + connection.head->content_bytes;
    return connection.bytes.size() >= whole ? Next::kArrived : Next::kWait;
  }

  // Short enough for any socket's buffer.
  static void say(const Connection& connection, std::string_view text) {
    (void)!::send(connection.socket, text.data(), text.size(), MSG_NOSIGNAL);
  }

  // Closed at once, what the client still sends would take the answer from it.
  Next refuse(Connection& connection, int status, const std::string& message) {
    say(connection, refusal_text(status, message));
    ::shutdown(connection.socket, SHUT_WR);
    connection.is_refused = true;
    connection.bytes.clear();
    connection.deadline = Clock::now() + kLastWords;
    return Next::kWait;
  }

  void arrive(Connection& connection) {
    ArrivedRequest request;
    request.socket = connection.socket;
    request.peer = std::move(connection.peer);
    request.head = std::move(*connection.head);
    request.content = connection.bytes.substr(connection.head_bytes, request.head.content_bytes);
    request.rest = connection.bytes.substr(connection.head_bytes + request.head.content_bytes);
    arrived_(std::move(request));
  }

  const LobbyLimits limits_;
  const std::function<void(ArrivedRequest)> arrived_;
  const int wake_;
  std::list<Connection> connections_;  // the thread's own
  std::atomic<size_t> size_{0};
  std::mutex mutex_;
  std::vector<Connection> added_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

Lobby::Lobby(const LobbyLimits& limits, std::function<void(ArrivedRequest)> arrived)
    : impl_(std::make_unique<Impl>(limits, std::move(arrived))) {}
Lobby::~Lobby() = default;

void Lobby::add(int socket, std::string rest) { impl_->add(socket, std::move(rest)); }
size_t Lobby::size() const { return impl_->size(); }

}  // namespace reel::server
