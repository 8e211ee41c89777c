// SPDX-License-Identifier: Apache-2.0
#include "hub/file_filter.h"

#include <fnmatch.h>

#include <algorithm>

namespace reel::hub {

bool matches(const std::string& pattern, const std::string& path) {
  const std::string whole = pattern.ends_with('/') ? pattern + '*' : pattern;
  return ::fnmatch(whole.c_str(), path.c_str(), FNM_NOESCAPE) == 0;
}

bool is_wanted(const std::string& path, const std::vector<std::string>& include,
               const std::vector<std::string>& exclude) {
  const auto takes = [&](const std::string& pattern) { return matches(pattern, path); };
  return (include.empty() || std::ranges::any_of(include, takes)) &&
         std::ranges::none_of(exclude, takes);
}

}  // namespace reel::hub
