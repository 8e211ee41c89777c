// SPDX-License-Identifier: Apache-2.0
// HttpClient over cpp-httplib: for the module.
#pragma once

#include <string>

#include "server/http/http_client.h"

namespace reel::server {

// As HttpClient::connect(); the caller owns it.
HttpClient* connect_with_httplib(const std::string& url);

}  // namespace reel::server
