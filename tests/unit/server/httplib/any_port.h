// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/http/http_server.h"

namespace reel::test {

inline server::HttpOptions any_port() {
  server::HttpOptions options;
  options.port = 0;
  return options;
}

}  // namespace reel::test
