// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/file.h"
#include "media/ffmpeg_handles.h"
#include "media/mp4_writer.h"

namespace reel::media {

std::optional<std::string> read_comment(const std::filesystem::path& path) {
  redirect_ffmpeg_log();
  const InputFile exists(path);
  AVFormatContext* file = nullptr;
  // The format is given, not guessed: a file from elsewhere meets one parser only.
  const AVInputFormat* mp4 = av_find_input_format("mp4");
  const int result = avformat_open_input(&file, ("file:" + path.string()).c_str(), mp4, nullptr);
  REEL_REQUIRE(
      result >= 0, kBadFile,
      str_cat("\"", path.string(), "\" is not an MP4 file: ", ffmpeg_error_text(result), '.'),
      "Name a clip that Reel wrote.");
  const AVDictionaryEntry* entry = av_dict_get(file->metadata, "comment", nullptr, 0);
  std::optional<std::string> comment;
  if (entry != nullptr) comment = entry->value;
  avformat_close_input(&file);
  return comment;
}

}  // namespace reel::media
