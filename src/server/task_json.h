// SPDX-License-Identifier: Apache-2.0
// Tasks as LightX2V's server has them (lightx2v/server/schema.py), said as clips of ours.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "server/clip_request.h"
#include "server/http/http_types.h"
#include "server/video_service.h"

namespace reel::server {

// The body of POST /v1/tasks/video/. Fields that it does not know are left alone, as there; what it
// knows and Reel cannot do is refused. Throws ApiError, with 422 for what has the wrong type.
ClipRequest read_task_request(const HttpRequest& request);

// {"task_id", "status", "start_time", ...}
nlohmann::json task_json(const Job& job);

// "pending", "processing", ...
const char* task_state_name(JobState state);

// A file's name of letters that are safe in a header: the last part of `wanted`, with ".mp4" where
// it has no ending.
std::string safe_file_name(const std::string& wanted);

}  // namespace reel::server
