// SPDX-License-Identifier: Apache-2.0
#include "server/routes_status.h"

#include <utility>

#include "server/http/api_error.h"
#include "server/openapi.h"

namespace reel::server {
namespace {

HttpResponse json_response(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

HttpResponse ready(VideoService& service) {
  if (service.is_full()) return error_response(503, "The queue is full.", "queue_full");
  return json_response(R"({"status":"ready"})");
}

}  // namespace

std::vector<Route> status_routes(VideoService& service, std::function<std::string()> metrics) {
  constexpr bool kIsOpen = true;
  return {
      {"GET", "/health",
       [](const HttpRequest&, const PathValues&) { return json_response(R"({"status":"ok"})"); },
       kIsOpen},
      {"GET", "/ready",
       [&service](const HttpRequest&, const PathValues&) { return ready(service); }, kIsOpen},
      {"GET", "/openapi.json",
       [](const HttpRequest&, const PathValues&) { return json_response(openapi_document()); },
       kIsOpen},
      {"GET", "/metrics",
       [metrics = std::move(metrics)](const HttpRequest&, const PathValues&) {
         HttpResponse response;
         response.content_type = "text/plain; version=0.0.4; charset=utf-8";
         response.body = metrics();
         return response;
       }},
  };
}

}  // namespace reel::server
