// SPDX-License-Identifier: Apache-2.0
// How deep JSON from outside may nest.
#pragma once

#include <cstddef>
#include <string_view>

namespace reel {

constexpr size_t kDeepestJson = 64;

// Whether lists and objects stand in one another deeper than that. Asked of what comes from outside
// before it is copied or written: nlohmann::json parses any depth, but does those with a call per
// level, which ends the program when the stack does. `text` may be no JSON at all.
bool is_json_too_deep(std::string_view text);

}  // namespace reel
