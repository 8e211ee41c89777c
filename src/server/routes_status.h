// SPDX-License-Identifier: Apache-2.0
// How the server is, and what it can be asked: /health, /ready, /metrics, /openapi.json.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/http/router.h"
#include "server/video_service.h"

namespace reel::server {

// `metrics` gives the text of /metrics.
std::vector<Route> status_routes(VideoService& service, std::function<std::string()> metrics);

}  // namespace reel::server
