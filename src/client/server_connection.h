// SPDX-License-Identifier: Apache-2.0
// Requests to a `reel serve`: its errors become ours.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/stop.h"

namespace reel::client {

struct ServerChoice {
  std::string url;  // "http://localhost:8000"
  std::string api_key;
};

// Not for several threads at once. Every request throws kNetwork when the server cannot be reached,
// kBusy when its queue is full, kInvalidArgument with its words when it refuses.
class ServerConnection {
 public:
  // Throws kInvalidArgument for what is no http:// or https:// address.
  explicit ServerConnection(const ServerChoice& server);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // The body of the answer.
  std::string get(const std::string& path);
  std::string post(const std::string& path, const std::string& json);
  void remove(const std::string& path);
  // Into a file that appears when it is complete.
  void download(const std::string& path, const std::filesystem::path& to, const StopFlag& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel::client
