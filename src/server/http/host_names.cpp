// SPDX-License-Identifier: Apache-2.0
#include "server/http/host_names.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/lower_case.h"

namespace reel::server {
namespace {

bool is_address(int family, const std::string& text) {
  in6_addr bytes{};
  return ::inet_pton(family, text.c_str(), &bytes) == 1;
}

bool is_port(std::string_view text) {
  return text.empty() || (text[0] == ':' && text.size() <= 6 &&
                          text.find_first_not_of("0123456789", 1) == text.npos);
}

}  // namespace

std::string host_of(std::string_view header) {
  if (header.starts_with('[')) {
    const size_t end = header.find(']');
    if (end == header.npos || !is_port(header.substr(end + 1))) return {};
    const std::string address(header.substr(1, end - 1));
    return is_address(AF_INET6, address) ? address : std::string();
  }
  const size_t end = std::min(header.find(':'), header.size());
  return is_port(header.substr(end)) ? lower_case(std::string(header.substr(0, end)))
                                     : std::string();
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  return is_address(AF_INET, host) && host.starts_with("127.");
}

bool is_answered_host(std::string_view header, const std::vector<std::string>& names) {
  const std::string host = host_of(header);
  if (host.empty()) return false;
  if (host == "localhost" || is_address(AF_INET, host) || is_address(AF_INET6, host)) return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return lower_case(name) == host; });
}

}  // namespace reel::server
