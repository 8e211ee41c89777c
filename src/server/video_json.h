// SPDX-License-Identifier: Apache-2.0
// Videos as the `openai` package 3.57.0 has them (types/video.py), and what Reel adds.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "server/clip_request.h"
#include "server/http/http_types.h"
#include "server/video_service.h"

namespace reel::server {

inline constexpr int kFramesPerSecond = 16;  // where a request does not say

// The body of POST /v1/videos. Throws ApiError.
ClipRequest read_video_request(const HttpRequest& request, const std::string& model_name);

nlohmann::json video_json(const JobView& view, const std::string& model_name);

// "832x480" to its sides. Throws ApiError.
void read_size(const std::string& text, ClipRequest& to);
// "2" for 33 frames at 16 a second, "0.0625" for 2.
std::string seconds_of(int frames, int fps);

// UTF-8 whatever the text holds.
std::string dump(const nlohmann::json& json);

}  // namespace reel::server
