// SPDX-License-Identifier: Apache-2.0
// How the server is: /health, /ready.
#pragma once

#include <vector>

#include "server/http/router.h"
#include "server/video_service.h"

namespace reel::server {

std::vector<Route> status_routes(VideoService& service);

}  // namespace reel::server
