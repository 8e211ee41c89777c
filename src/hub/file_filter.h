// SPDX-License-Identifier: Apache-2.0
// Which of a repository's files are meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reel::hub {

// Shell patterns as the hub's tools take them: * also matches slashes, "folder/" means "folder/*".
bool matches(const std::string& pattern, const std::string& path);

// Taken when no `include` is given or one matches, and no `exclude` does.
bool is_wanted(const std::string& path, const std::vector<std::string>& include,
               const std::vector<std::string>& exclude);

}  // namespace reel::hub
