// SPDX-License-Identifier: Apache-2.0
// The addresses of LightX2V's server, for programs that use it: /v1/tasks, /v1/files, /v1/service.
#pragma once

#include <vector>

#include "server/http/router.h"
#include "server/video_service.h"

namespace reel::server {

std::vector<Route> task_routes(VideoService& service);

}  // namespace reel::server
