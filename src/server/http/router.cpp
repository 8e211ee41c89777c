// SPDX-License-Identifier: Apache-2.0
#include "server/http/router.h"

#include <string_view>

namespace reel::server {
namespace {

// "a/b" of "/a/b/": the parts between slashes.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(std::min(path.size(), end + 1));
  }
  return parts;
}

bool matches(std::string_view pattern, std::string_view path, PathValues& values) {
  const std::vector<std::string_view> wanted = parts_of(pattern), given = parts_of(path);
  if (wanted.size() != given.size()) return false;
  values.clear();
  for (size_t at = 0; at < wanted.size(); ++at) {
    if (wanted[at].starts_with('{')) {
      const std::string_view name = wanted[at].substr(1, wanted[at].size() - 2);
      values[std::string(name)] = given[at];
    } else if (wanted[at] != given[at]) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Router::add(std::vector<Route> routes) {
  for (Route& route : routes) routes_.push_back(std::move(route));
}

const Route* Router::find(const HttpRequest& request, PathValues& values) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Route& route : routes_) {
    if (method == route.method && matches(route.path, request.path, values)) return &route;
  }
  return nullptr;
}

std::string Router::methods_of(const std::string& path) const {
  std::string methods;
  PathValues values;
  for (const Route& route : routes_) {
    if (!matches(route.path, path, values)) continue;
    const std::string method = route.method;
    if (methods.find(method) != std::string::npos) continue;
    methods += (methods.empty() ? "" : ", ") + method + (method == "GET" ? ", HEAD" : "");
  }
  return methods;
}

}  // namespace reel::server
