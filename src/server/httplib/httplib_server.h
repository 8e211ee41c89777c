// SPDX-License-Identifier: Apache-2.0
// HttpServer over cpp-httplib: for the module.
#pragma once

#include "server/http/http_server.h"

namespace reel::server {

// As HttpServer::listen(); the caller owns it.
HttpServer* listen_with_httplib(const HttpOptions& options, HttpServer::Handler handler,
                                HttpServer::IsLong is_long);

}  // namespace reel::server
