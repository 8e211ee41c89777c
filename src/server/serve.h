// SPDX-License-Identifier: Apache-2.0
// The whole server, from its options to its end.
#pragma once

#include <reel/request.h>

#include <functional>
#include <string>

#include "server/http/gate.h"
#include "server/http/http_server.h"
#include "server/video_service.h"

namespace reel::server {

struct ServeOptions {
  ModelOptions model;
  ServiceOptions service;
  HttpOptions http;
  GateOptions gate;
  std::string key_file;  // empty: no keys, and only this machine is served
};

// Serves until SIGINT or SIGTERM; the clip that is being made is kept for the next server.
// `is_ready` hears the address once requests are answered. Call it before other threads exist: it
// blocks those signals in all that follow. Throws kInvalidArgument when other machines could ask
// without a key, kUnsupported without FFmpeg, and what VideoService and HttpServer throw.
void serve(const ServeOptions& options,
           const std::function<void(const std::string& url)>& is_ready);

}  // namespace reel::server
