// SPDX-License-Identifier: Apache-2.0
// What can be asked, for programs: an OpenAPI 3.1 document.
#pragma once

#include <string>

namespace reel::server {

// JSON, with the limits of clip_request.h filled in.
std::string openapi_document();

}  // namespace reel::server
