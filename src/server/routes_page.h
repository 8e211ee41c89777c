// SPDX-License-Identifier: Apache-2.0
// GET / and /page/NAME: what a browser shows.
#pragma once

#include <vector>

#include "server/http/router.h"

namespace reel::server {

// Open: the page itself asks for a key where one is needed.
std::vector<Route> page_routes();

}  // namespace reel::server
