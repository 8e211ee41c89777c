// SPDX-License-Identifier: Apache-2.0
#include "server/http/http_types.h"

namespace reel::server {

std::string HttpRequest::header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace reel::server
