// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "server/http/http_types.h"
#include "server/video_json.h"

namespace reel::server {

// 200 with this body.
inline HttpResponse answer(const nlohmann::json& value) {
  HttpResponse response;
  response.body = dump(value);
  return response;
}

}  // namespace reel::server
