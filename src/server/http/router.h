// SPDX-License-Identifier: Apache-2.0
// From a path to the function that answers it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/http/http_types.h"

namespace reel::server {

// What stood in the place of "{id}" in a route's path.
using PathValues = std::map<std::string, std::string>;
using RouteHandler = std::function<HttpResponse(const HttpRequest&, const PathValues&)>;

struct Route {
  const char* method;  // GET answers HEAD too
  const char* path;    // "/v1/videos/{id}"; a last '/' may be there or not
  RouteHandler handler;
  bool is_open = false;  // needs no key
};

class Router {
 public:
  void add(std::vector<Route> routes);

  // The route of a request; null when there is none. `values` are those of its path.
  const Route* find(const HttpRequest& request, PathValues& values) const;
  // Methods that a path has: "GET, HEAD"; empty for a path that is not there.
  std::string methods_of(const std::string& path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace reel::server
