// SPDX-License-Identifier: Apache-2.0
// A hub on this machine (hub_server.py) that spoils requests as a test asks.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace reel::test {

class HubServer {
 public:
  // Serves `root`/<organisation>/<repository>/..., with faults as hub_server.py reads them. Throws
  // when it does not start.
  explicit HubServer(const std::filesystem::path& root,
                     const nlohmann::json& faults = nlohmann::json::array());
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  std::string endpoint() const { return url("hub"); }
  // Of "hub" or "cdn".
  std::string url(const std::string& server) const;

  struct Request {
    std::string server, path, range, token;
    int status = 0;
  };
  std::vector<Request> requests() const;
  // Those for bytes of files.
  size_t file_requests() const;

  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

 private:
  TempFolder folder_;
  pid_t pid_ = -1;
  int hub_port_ = 0, cdn_port_ = 0;
};

// A file of numbers that no other seed gives.
std::string random_bytes(size_t count, uint32_t seed);
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace reel::test
