// SPDX-License-Identifier: Apache-2.0
// Requests as JSON, for recipes and saved jobs.
#pragma once

#include <reel/request.h>

#include <nlohmann/json_fwd.hpp>

namespace reel {

void to_json(nlohmann::json& json, const SamplingOptions& options);
void from_json(const nlohmann::json& json, SamplingOptions& options);
void to_json(nlohmann::json& json, const ModelOptions& options);
void from_json(const nlohmann::json& json, ModelOptions& options);
void to_json(nlohmann::json& json, const VideoRequest& request);
void from_json(const nlohmann::json& json, VideoRequest& request);

}  // namespace reel
