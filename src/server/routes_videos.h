// SPDX-License-Identifier: Apache-2.0
// /v1/videos, as OpenAI's clients use it, with events, previews and recipes besides.
#pragma once

#include <vector>

#include "server/http/router.h"
#include "server/video_service.h"

namespace reel::server {

// `service` must outlive the routes.
std::vector<Route> video_routes(VideoService& service);

// A clip as a download: whole, or the part that the request asks for.
HttpResponse clip_response(const HttpRequest& request, const std::filesystem::path& file,
                           const std::string& download_name);

}  // namespace reel::server
