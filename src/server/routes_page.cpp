// SPDX-License-Identifier: Apache-2.0
#include "server/routes_page.h"

#include <string>

#include "server/page/page_files.h"

namespace reel::server {
namespace {

// Nothing but what this server sends is loaded, nothing that is not in a file is run, and no other
// page may show this one. blob: are clips fetched with a key.
constexpr const char* kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'";

HttpResponse answer_file(const HttpRequest& request, const PageFile& file) {
  HttpResponse response;
  response.content_type = file.content_type;
  response.headers = {{"ETag", file.etag},
                      {"Cache-Control", "no-cache"},  // kept, but asked about every time
                      {"Content-Security-Policy", kContentPolicy},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Referrer-Policy", "no-referrer"}};
  // "*" or a list, in which weak tags count as well.
  const std::string known = request.header("if-none-match");
  if (known == "*" || known.find(file.etag) != std::string::npos) {
    response.status = 304;
  } else {
    response.body = file.bytes;
  }
  return response;
}

}  // namespace

std::vector<Route> page_routes() {
  std::vector<Route> routes;
  for (const PageFile& file : page_files()) {
    routes.push_back({"GET", file.path,
                      [&file](const HttpRequest& request, const PathValues&) {
                        return answer_file(request, file);
                      },
                      true});
  }
  return routes;
}

}  // namespace reel::server
