// SPDX-License-Identifier: Apache-2.0
// A request as the routes see it, and what they answer; neither knows sockets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reel::server {

struct HttpRequest {
  std::string method, path;  // the path percent-decoded, without the query
  std::multimap<std::string, std::string> query;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string peer;    // the client's address
  std::string client;  // whose jobs it sees; empty: everybody's. Set by authentication

  // Of the first header of that name, in lower case; empty when there is none.
  std::string header(const std::string& name) const;
};

// Bytes [offset, offset + length) of a file.
struct FilePart {
  std::filesystem::path path;
  uint64_t offset_bytes = 0, length_bytes = 0;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type = "application/json";
  std::string body;
  std::optional<FilePart> file;  // in the place of the body
  // In the place of the body: called until it gives nothing; may wait for some seconds.
  std::function<std::optional<std::string>()> stream;
};

}  // namespace reel::server
