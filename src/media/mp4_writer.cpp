// SPDX-License-Identifier: Apache-2.0
#include "media/mp4_writer.h"

#include "base/error.h"
#include "base/log.h"
#include "media/ffmpeg_module.h"
#include "media/ffmpeg_program.h"

namespace reel::media {

Mp4Support mp4_support() {
  const FfmpegModuleState& libraries = ffmpeg_module();
  if (libraries.module != nullptr)
    return {.route = Mp4Route::kLibraries, .program = {}, .problem = {}};
  log_debug("media: FFmpeg's libraries cannot be used: " + libraries.problem);
  if (const auto program = find_ffmpeg_program()) {
    return {.route = Mp4Route::kProgram, .program = *program, .problem = {}};
  }
  return {
      .route = Mp4Route::kNone,
      .program = {},
      .problem = str_cat("there is no ffmpeg program on the PATH, and FFmpeg's libraries cannot "
                         "be used (",
                         libraries.problem, ")")};
}

std::unique_ptr<FrameFile> make_mp4_file(const std::filesystem::path& path,
                                         const WriterOptions& options) {
  const Mp4Support support = mp4_support();
  switch (support.route) {
    case Mp4Route::kLibraries:
      return std::unique_ptr<FrameFile>(ffmpeg_module().module->make_mp4_file(path, options));
    case Mp4Route::kProgram: return make_piped_mp4_file(support.program, path, options);
    case Mp4Route::kNone: break;
  }
  fail(ErrorCode::kUnsupported,
       str_cat("\"", path.string(), "\" cannot be written: ", support.problem, "."),
       str_cat(kInstallFfmpeg, ", or write clip.y4m or a folder of PNG frames."));
}

}  // namespace reel::media
