// SPDX-License-Identifier: Apache-2.0
#include "cli/logging.h"

#include <reel/error.h>
#include <reel/log.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace reel::cli {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void start_logging(int verbosity, const std::string& file) {
  std::vector<spdlog::sink_ptr> sinks;
  const auto terminal = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  terminal->set_pattern("%v");
  terminal->set_level(verbosity >= 2   ? spdlog::level::debug
                      : verbosity == 1 ? spdlog::level::info
                                       : spdlog::level::warn);
  sinks.push_back(terminal);
  if (!file.empty()) {
    try {
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file, true));
    } catch (const spdlog::spdlog_ex&) {
      throw Error(ErrorCode::kIo, "Cannot write the log file \"" + file + "\".",
                  "Choose another place with --log-file.");
    }
    sinks.back()->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
    sinks.back()->set_level(spdlog::level::debug);
  }
  const auto logger = std::make_shared<spdlog::logger>("reel", sinks.begin(), sinks.end());
  logger->set_level(spdlog::level::debug);
  logger->flush_on(spdlog::level::info);
  set_log_sink([logger](LogLevel level, std::string_view line) {
    logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  });
}

}  // namespace reel::cli
