// SPDX-License-Identifier: Apache-2.0
// What a command that makes clips says about one: before it is made, and after.
#pragma once

#include <reel/request.h>

#include <string>

#include "cli/terminal.h"

namespace reel::cli {

// "would make clip.mp4: 832 wide x 480 high, ...". Every field of the request is filled.
std::string describe(const VideoRequest& request);
// The result as JSON.
std::string as_json(const VideoResult& result);
// The path, or the JSON, as the answer; what it took as remarks.
void report(const VideoResult& result, bool json, Terminal& terminal);

}  // namespace reel::cli
