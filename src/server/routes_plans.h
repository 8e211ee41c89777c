// SPDX-License-Identifier: Apache-2.0
// POST /v1/plans and GET /v1/models/ID: what a clip would need, and what the model is made for.
#pragma once

#include <reel/request.h>

#include <string>
#include <vector>

#include "server/http/router.h"

namespace reel::server {

// `name` is what the model is called in answers.
std::vector<Route> plan_routes(const ModelOptions& model, const std::string& name);

}  // namespace reel::server
