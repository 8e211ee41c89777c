// SPDX-License-Identifier: Apache-2.0
// multipart/form-data (RFC 7578), read strictly.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reel::server {

struct FormPart {
  std::string name, value;
  bool is_file = false;
};

constexpr size_t kMostFormParts = 64;

// Nothing when it is malformed or has more parts than that.
std::optional<std::vector<FormPart>> read_form(std::string_view content_type,
                                               std::string_view body);

}  // namespace reel::server
