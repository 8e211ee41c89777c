// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>

namespace reel::cli {

// A line after std::snprintf's format, of at most 255 bytes.
template <typename... Args>
void add_line(std::string& text, const char* format, Args... args) {
  char line[256];
  std::snprintf(line, sizeof line, format, args...);
  text += line;
  text += '\n';
}

}  // namespace reel::cli
