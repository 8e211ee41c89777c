// SPDX-License-Identifier: Apache-2.0
#include "media/ffmpeg_module.h"

#include <dlfcn.h>
#include <reel/version.h>

#include "base/error.h"
#include "base/log.h"

namespace reel::media {
namespace {

std::string dl_problem() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown" : text;
}

FfmpegModuleState load() {
  // By the run path of whatever this code is linked into. Never closed: FFmpeg's libraries do not
  // expect it.
  void* library = ::dlopen("libreel_ffmpeg.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {.module = nullptr, .problem = dl_problem()};
  const auto* module = static_cast<const FfmpegModule*>(::dlsym(library, kFfmpegModuleSymbol));
  if (module == nullptr) return {.module = nullptr, .problem = dl_problem()};
  if (std::string_view(module->version) != kVersion) {
    return {
        .module = nullptr,
        .problem = str_cat("libreel_ffmpeg.so is of Reel ", module->version, ", not ", kVersion)};
  }
  module->set_log_sink([](LogLevel level, std::string_view line) { log(level, line); });
  return {.module = module, .problem = {}};
}

}  // namespace

const FfmpegModuleState& ffmpeg_module() {
  static const FfmpegModuleState state = load();
  return state;
}

}  // namespace reel::media
