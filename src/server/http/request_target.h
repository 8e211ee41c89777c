// SPDX-License-Identifier: Apache-2.0
// The address of a request: its path and what stands behind "?".
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace reel::server {

// Percent codes are letters; what is no code stays as it is.
std::string decode_percent(std::string_view text);

// "/a%20b?x=1&y=a+b" is "/a b", x and y. `target` is as read_head() lets it through.
void read_target(std::string_view target, std::string& path,
                 std::multimap<std::string, std::string>& query);

}  // namespace reel::server
