// SPDX-License-Identifier: Apache-2.0
// Which names a server answers to, and who is on this machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reel::server {

// "localhost:8000" is localhost, "[::1]:8000" is ::1. Empty for what is no host.
std::string host_of(std::string_view host_header);
// Only this machine can reach such an address: 127.*, ::1, localhost.
bool is_loopback(const std::string& host);
// A page of another site whose name was made to point here says that name in Host (DNS rebinding).
// So a name must be localhost or one of `names`; a number is nobody's to point.
bool is_answered_host(std::string_view host_header, const std::vector<std::string>& names);

}  // namespace reel::server
