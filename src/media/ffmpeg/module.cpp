// SPDX-License-Identifier: Apache-2.0
// The one symbol of libreel_ffmpeg.so.
#include <reel/log.h>
#include <reel/version.h>

#include "media/ffmpeg/mp4_muxer.h"
#include "media/ffmpeg_module.h"

extern "C" {
[[gnu::visibility("default")]] extern const reel::media::FfmpegModule reel_ffmpeg_module;

const reel::media::FfmpegModule reel_ffmpeg_module = {
    .version = reel::kVersion,
    .make_mp4_file =
        [](const std::filesystem::path& path, const reel::media::WriterOptions& options) {
          return reel::media::make_muxed_mp4_file(path, options).release();
        },
    .set_log_sink =
        [](void (*sink)(reel::LogLevel, std::string_view)) { reel::set_log_sink(sink); }};
}
