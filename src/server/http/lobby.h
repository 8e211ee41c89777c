// SPDX-License-Identifier: Apache-2.0
// Where connections wait until their request is complete. One thread reads all of them, so that a
// client that sends slowly holds a buffer and never a thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "server/http/request_head.h"

namespace reel::server {

struct LobbyLimits {
  size_t most_connections = 1024;  // that wait; beyond them the one that has waited longest goes
  size_t most_content_bytes = size_t{256} << 10;
  size_t most_buffered_bytes = size_t{64} << 20;
  // From the first byte to the last.
  std::chrono::milliseconds head_deadline{10'000};
  std::chrono::milliseconds content_deadline{30'000};
  std::chrono::milliseconds idle{15'000};  // of a connection that says nothing
};

// A connection whose request is complete. The receiver owns the socket.
struct ArrivedRequest {
  int socket = -1;
  std::string peer;
  RequestHead head;
  std::string content;
  std::string rest;  // what came after; to be given back with the socket
};

class Lobby {
 public:
  // `arrived` is called on the lobby's thread and must not wait.
  Lobby(const LobbyLimits& limits, std::function<void(ArrivedRequest)> arrived);
  // Closes all connections.
  ~Lobby();
  Lobby(const Lobby&) = delete;
  Lobby& operator=(const Lobby&) = delete;

  // Takes the socket over. `rest` was read from it before.
  void add(int socket, std::string rest = {});
  // How many connections wait.
  size_t size() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// "HTTP/1.1 503 ...", with the error as JSON; the connection ends with it.
std::string refusal_text(int status, const std::string& message);

}  // namespace reel::server
