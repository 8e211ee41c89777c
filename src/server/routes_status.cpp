// SPDX-License-Identifier: Apache-2.0
#include "server/routes_status.h"

#include "server/http/api_error.h"

namespace reel::server {

std::vector<Route> status_routes(VideoService& service) {
  return {
      {"GET", "/health",
       [](const HttpRequest&, const PathValues&) {
         HttpResponse response;
         response.body = R"({"status":"ok"})";
         return response;
       },
       true},
      {"GET", "/ready",
       [&service](const HttpRequest&, const PathValues&) {
         if (service.is_full()) return error_response(503, "The queue is full.", "queue_full");
         HttpResponse response;
         response.body = R"({"status":"ready"})";
         return response;
       },
       true},
  };
}

}  // namespace reel::server
