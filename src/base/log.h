// SPDX-License-Identifier: Apache-2.0
// Log lines of the library, sent to the sink of <reel/log.h>.
#pragma once

#include <reel/log.h>

#include <string_view>

namespace reel {

void log(LogLevel level, std::string_view line);
inline void log_debug(std::string_view line) { log(LogLevel::kDebug, line); }
inline void log_info(std::string_view line) { log(LogLevel::kInfo, line); }
inline void log_warning(std::string_view line) { log(LogLevel::kWarning, line); }

}  // namespace reel
