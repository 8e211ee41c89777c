// SPDX-License-Identifier: Apache-2.0
// Where log lines go. The library never prints: without a sink it is silent.
#pragma once

#include <functional>
#include <string_view>

namespace reel {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Called from any thread of the library, one call at a time.
using LogSink = std::function<void(LogLevel, std::string_view)>;

// Replaces the process-wide sink; an empty function makes the library silent again.
void set_log_sink(LogSink sink);

}  // namespace reel
