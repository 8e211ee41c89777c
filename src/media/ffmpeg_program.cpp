// SPDX-License-Identifier: Apache-2.0
#include "media/ffmpeg_program.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/child_program.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "media/mp4_encoders.h"
#include "media/yuv_converter.h"

namespace reel::media {
namespace {

using Words = std::vector<std::string>;

// What ffmpeg says after the line with the cause.
const std::array<std::string, 4> kAfterwards{"Conversion failed!", "    Last message repeated",
                                             "Error while opening encoder",
                                             "Error initializing output stream"};

// How long an ffmpeg that takes no more frames may take to say why.
constexpr std::chrono::milliseconds kLastWords{2000};

void append(Words& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

Words first_words(const std::filesystem::path& program) {
  // -xerror: else a file whose end could not be written counts as a success.
  return {program.string(), "-hide_banner", "-nostdin", "-loglevel", "error", "-xerror"};
}

void append_colours(Words& words) {
  append(words, {"-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709",
                 "-color_trc", "bt709", "-chroma_sample_location", "left"});
}

// Planar frames on standard input -> that encoder. The output's format and name are left to add.
Words encode_words(const std::filesystem::path& program, const WriterOptions& options,
                   const std::string& encoder) {
  const FrameRate rate = options.frame_rate;
  const bool is_halved = chroma_for(options.width_px, options.height_px) == Chroma::k420;
  const std::string pixels = is_halved ? "yuv420p" : "yuv444p";
  Words words = first_words(program);
  append(words, {"-f", "rawvideo", "-pixel_format", pixels, "-video_size",
                 str_cat(options.width_px, 'x', options.height_px), "-framerate",
                 str_cat(rate.numerator, '/', rate.denominator)});
  append_colours(words);
  append(words, {"-i", "pipe:0", "-an", "-c:v", encoder, "-pix_fmt", pixels});
  append_colours(words);
  append(words, {"-threads", std::to_string(kEncoderThreads)});
  for (const auto& [name, value] : quality_settings(encoder, options.quality)) {
    append(words, {"-" + name, value});
  }
  return words;
}

void append_mp4(Words& words, const FrameRate& rate, const OutputFile& output) {
  // With its protocol, since a path may contain a colon. The file is there already.
  append(words, {"-fflags", "+bitexact", "-movie_timescale", std::to_string(movie_timescale(rate)),
                 "-f", "mp4", "-y", "file:" + output.temporary_path().string()});
}

bool write_frame(ChildProgram& child, const YuvFrame& yuv) {
  for (const YuvFrame::Plane& plane : yuv.planes) {
    if (!child.write(std::as_bytes(std::span(plane.pixels)))) return false;
  }
  return true;
}

// The first encoder that takes a black frame of this size.
std::string choose_encoder(const std::filesystem::path& program, const WriterOptions& options,
                           YuvConverter& converter) {
  const Frame black(options.height_px, options.width_px);
  std::string tried;
  for (const std::string& encoder : encoders_to_try(options)) {
    Words words = encode_words(program, options, encoder);
    append(words, {"-f", "null", "-"});
    ChildProgram child(words);
    write_frame(child, converter.convert(black.view()));
    if (child.finish(nullptr) == 0) {
      log_debug(str_cat("media: encoder ", encoder, " of ", program.string(),
                        tried.empty() ? "" : "; passed over: ", tried));
      return encoder;
    }
    tried +=
        str_cat(tried.empty() ? "" : ", ", encoder, " (", child.last_error_line(kAfterwards), ')');
  }
  fail_without_encoder(options, tried);
}

// FFmpeg's own text form of a file's tags.
std::string tags_text(const std::string& comment) {
  std::string text = ";FFMETADATA1\ncomment=";
  for (const char letter : comment) {
    if (std::string_view("=;#\\\n").find(letter) != std::string_view::npos) text += '\\';
    text += letter;
  }
  return text + '\n';
}

class PipedFile : public FrameFile {
 public:
  PipedFile(const std::filesystem::path& program, const std::filesystem::path& path,
            const WriterOptions& options)
      : program_(program),
        path_(path),
        frame_rate_(options.frame_rate),
        output_(path),
        encoded_(path),
        converter_(options.width_px, options.height_px,
                   chroma_for(options.width_px, options.height_px)),
        encoder_(choose_encoder(program, options, converter_)) {
    Words words = encode_words(program, options, encoder_);
    append_mp4(words, frame_rate_, encoded_);
    child_ = std::make_unique<ChildProgram>(words);
  }

  void add(const FrameView& frame) override {
    if (!write_frame(*child_, converter_.convert(frame))) {
      fail_child(encoder_, child_->finish_within(kLastWords));
    }
    ++frames_;
  }

  void finish(const std::string& comment, const StopFlag* stop) override {
    const int status = child_->finish(stop);
    if (status != 0) fail_child(encoder_, status);
    move_index(comment, stop);
    output_.commit();
  }

 private:
  void move_index(const std::string& comment, const StopFlag* stop) {
    Words words = first_words(program_);
    append(words, {"-i", "file:" + encoded_.temporary_path().string()});
    if (!comment.empty()) append(words, {"-f", "ffmetadata", "-i", "pipe:0", "-map_metadata", "1"});
    append(words, {"-map", "0:v", "-c", "copy", "-movflags", "+faststart"});
    append_mp4(words, frame_rate_, output_);
    child_ = std::make_unique<ChildProgram>(words);
    if (!comment.empty()) child_->write(tags_text(comment));
    const int status = child_->finish(stop);
    if (status != 0) fail_child("the MP4 writer", status);
  }

  [[noreturn]] void fail_child(const std::string& part, std::optional<int> status) const {
    std::string line = child_->last_error_line(kAfterwards);
    for (const int error : {ENOSPC, EDQUOT, EFBIG, EROFS, EACCES}) {
      if (line.find(std::strerror(error)) == std::string::npos) continue;
      fail(ErrorCode::kIo,
           str_cat("Cannot write \"", path_.string(), "\": ", std::strerror(error), '.'),
           error == ENOSPC || error == EDQUOT
               ? "Free some space, or choose another folder with --out."
               : "Choose another folder with --out.");
    }
    if (line.empty()) {
      line = status ? str_cat("it ended with status ", *status) : "it takes no more frames";
    }
    while (line.ends_with('.')) line.pop_back();
    fail(ErrorCode::kInternal,
         str_cat('"', program_.string(), "\" failed at frame ", frames_, " (", part, "): ", line,
                 '.'),
         "Write clip.y4m or a folder of PNG frames instead.");
  }

  const std::filesystem::path program_;
  const std::filesystem::path path_;
  const FrameRate frame_rate_;
  OutputFile output_;
  OutputFile encoded_;  // without the comment, its index at the end; never kept
  YuvConverter converter_;
  const std::string encoder_;
  std::unique_ptr<ChildProgram> child_;
  int64_t frames_ = 0;
};

}  // namespace

std::optional<std::filesystem::path> find_ffmpeg_program() { return find_program("ffmpeg"); }

std::unique_ptr<FrameFile> make_piped_mp4_file(const std::filesystem::path& program,
                                               const std::filesystem::path& path,
                                               const WriterOptions& options) {
  return std::make_unique<PipedFile>(program, path, options);
}

}  // namespace reel::media
