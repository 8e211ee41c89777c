// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <mutex>

namespace reel {
namespace {

std::mutex sink_mutex;
LogSink& sink() {
  static LogSink instance;
  return instance;
}

}  // namespace

void set_log_sink(LogSink replacement) {
  const std::lock_guard lock(sink_mutex);
  sink() = std::move(replacement);
}

void log(LogLevel level, std::string_view line) {
  const std::lock_guard lock(sink_mutex);
  if (sink()) sink()(level, line);
}

}  // namespace reel
