// SPDX-License-Identifier: Apache-2.0
#include "base/json_depth.h"

namespace reel {
namespace {

// Where the string ends whose first quote stands at `at`.
size_t string_end(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at;
}

}  // namespace

bool is_json_too_deep(std::string_view text) {
  size_t depth = 0;
  for (size_t at = 0; at < text.size() && depth <= kDeepestJson; ++at) {
    switch (text[at]) {
      case '"': at = string_end(text, at); break;
      case '[':
      case '{': ++depth; break;
      case ']':
      case '}': depth -= depth > 0 ? 1 : 0; break;
      default: break;
    }
  }
  return depth > kDeepestJson;
}

}  // namespace reel
