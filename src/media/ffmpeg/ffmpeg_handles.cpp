// SPDX-License-Identifier: Apache-2.0
#include "media/ffmpeg/ffmpeg_handles.h"

#include <array>
#include <cstdarg>
#include <mutex>

#include "base/log.h"

namespace reel::media {
namespace {

void log_line(void* source, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_INFO) return;
  std::array<char, 1024> line{};
  int print_prefix = 1;
  av_log_format_line2(source, level, format, arguments, line.data(), line.size(), &print_prefix);
  std::string text = line.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // A callback into C must not throw.
  try {
    if (!text.empty()) log_debug("ffmpeg: " + text);
  } catch (...) {
  }
}

}  // namespace

std::string ffmpeg_error_text(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

void redirect_ffmpeg_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(&log_line); });
}

}  // namespace reel::media
