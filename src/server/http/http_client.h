// SPDX-License-Identifier: Apache-2.0
// Requests to one HTTP server, over one connection that is kept.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace reel::server {

struct HttpReply {
  int status = 0;       // 0: there was none
  std::string body;     // what `receive` did not get
  std::string problem;  // why there was none: "Connection"
};

// Not for several threads at once.
class HttpClient {
 public:
  // Takes the body of an answer with status 200 piece by piece; false ends the request.
  using Receive = std::function<bool(std::string_view piece)>;

  // `url` is "http://host:port" or https. Nothing is sent yet. Throws as httplib_module().
  static std::unique_ptr<HttpClient> connect(const std::string& url);
  virtual ~HttpClient() = default;

  virtual void set_bearer(const std::string& key) = 0;
  virtual HttpReply get(const std::string& path) = 0;
  virtual HttpReply get(const std::string& path, const Receive& receive) = 0;
  virtual HttpReply post(const std::string& path, const std::string& json) = 0;
  virtual HttpReply remove(const std::string& path) = 0;
};

}  // namespace reel::server
