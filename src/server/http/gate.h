// SPDX-License-Identifier: Apache-2.0
// Who is let through to the routes: the right host, no other site's page, a key where one is
// needed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/http/api_keys.h"
#include "server/http/http_types.h"

namespace reel::server {

struct GateOptions {
  std::vector<std::string> host_names;    // besides localhost and numbers
  std::vector<std::string> cors_origins;  // sites whose pages may ask, "https://example.org"
};

class Gate {
 public:
  Gate(GateOptions options, ApiKeys keys) : options_(std::move(options)), keys_(std::move(keys)) {}

  // The refusal, if it is one. Before a route is looked for.
  std::optional<HttpResponse> check_origin(const HttpRequest& request) const;
  // The same; sets request.client when there are keys.
  std::optional<HttpResponse> check_key(HttpRequest& request) const;
  // What a page of an allowed site needs to read the answer.
  void add_cors(const HttpRequest& request, HttpResponse& response) const;

 private:
  bool is_allowed(const std::string& origin) const;

  GateOptions options_;
  ApiKeys keys_;
};

}  // namespace reel::server
