// SPDX-License-Identifier: Apache-2.0
// cpp-httplib is linked by a shared module of its own, libreel_httplib.so, opened by `reel serve`
// and `--server` alone: it brings OpenSSL, which would stand in the way of the system's libcurl,
// that `reel pull` opens and that may want a newer one.
#pragma once

#include <memory>
#include <string>

#include "server/http/http_client.h"
#include "server/http/http_server.h"

namespace reel::server {

// What the module exports under the C name kHttplibModuleSymbol. It is built with the program and
// used by no other: both sides see the same classes. The caller owns what is returned.
struct HttplibModule {
  const char* version;  // kVersion of the build it belongs to
  // Throws as HttpServer::listen().
  HttpServer* (*listen)(const HttpOptions& options, HttpServer::Handler handler,
                        HttpServer::IsLong is_long);
  HttpClient* (*connect)(const std::string& url);
};

inline constexpr const char* kHttplibModuleSymbol = "reel_httplib_module";

// Loaded on first use. Throws kNotFound when it is missing or of another build.
const HttplibModule& httplib_module();

}  // namespace reel::server
