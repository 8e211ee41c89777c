// SPDX-License-Identifier: Apache-2.0
#include "server/http/gate.h"

#include <algorithm>

#include "server/http/api_error.h"
#include "server/http/host_names.h"

namespace reel::server {
namespace {

// "http://localhost:8000" and "localhost:8000".
bool is_same_site(const std::string& origin, const std::string& host) {
  return origin == "http://" + host || origin == "https://" + host;
}

}  // namespace

bool Gate::is_allowed(const std::string& origin) const {
  return std::find(options_.cors_origins.begin(), options_.cors_origins.end(), origin) !=
         options_.cors_origins.end();
}

std::optional<HttpResponse> Gate::check_origin(const HttpRequest& request) const {
  const std::string host = request.header("host");
  if (!is_answered_host(host, options_.host_names)) {
    return error_response(403, "This server does not answer to that Host.", "host_not_allowed");
  }
  const std::string origin = request.header("origin");
  if (!origin.empty() && !is_same_site(origin, host) && !is_allowed(origin)) {
    return error_response(403, "Pages of other sites may not ask this server.",
                          "origin_not_allowed");
  }
  return std::nullopt;
}

std::optional<HttpResponse> Gate::check_key(HttpRequest& request) const {
  if (keys_.empty()) return std::nullopt;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string header = request.header("authorization");
  const std::optional<std::string> name =
      header.starts_with(kScheme) ? keys_.name_of(header.substr(kScheme.size())) : std::nullopt;
  if (!name) {
    HttpResponse response = error_response(
        401,
        header.empty() ? "A key is needed: \"Authorization: Bearer KEY\"." : "The key is wrong.",
        "invalid_api_key");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  request.client = *name;
  return std::nullopt;
}

void Gate::add_cors(const HttpRequest& request, HttpResponse& response) const {
  const std::string origin = request.header("origin");
  if (origin.empty() || !is_allowed(origin)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Vary", "Origin");
  if (request.method != "OPTIONS") return;
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE");
  response.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type");
}

}  // namespace reel::server
