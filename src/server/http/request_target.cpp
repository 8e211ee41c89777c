// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_target.h"

#include <algorithm>
#include <charconv>

namespace reel::server {

std::string decode_percent(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned code = 0;
    const char* const digits = text.data() + at + 1;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
      decoded += static_cast<char>(code);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

void read_target(std::string_view target, std::string& path,
                 std::multimap<std::string, std::string>& query) {
  const size_t mark = std::min(target.find('?'), target.size());
  path = decode_percent(target.substr(0, mark));
  std::string rest(target.substr(std::min(target.size(), mark + 1)));
  std::replace(rest.begin(), rest.end(), '+', ' ');
  std::string_view left = rest;
  while (!left.empty()) {
    const size_t end = std::min(left.find('&'), left.size());
    const std::string_view pair = left.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(pair.size(), equals + 1));
    if (!pair.empty()) query.emplace(decode_percent(pair.substr(0, equals)), decode_percent(value));
    left.remove_prefix(std::min(left.size(), end + 1));
  }
}

}  // namespace reel::server
