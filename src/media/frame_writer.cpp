// SPDX-License-Identifier: Apache-2.0
#include "media/frame_writer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/lower_case.h"
#include "media/mp4_writer.h"
#include "media/png_writer.h"
#include "media/y4m_writer.h"

namespace reel::media {
namespace {

// H.264 stores sizes in 16 bits; libpng stops earlier than 32.
constexpr int kLongestSidePx = 16384;

void require_valid(const WriterOptions& options) {
  const auto fits = [](int side_px) { return side_px >= 1 && side_px <= kLongestSidePx; };
  REEL_REQUIRE(fits(options.width_px) && fits(options.height_px), kInvalidArgument,
               str_cat("frames are ", options.width_px, 'x', options.height_px,
                       ", each side must be 1 to ", kLongestSidePx, "."),
               "Use 832x480.");
  const FrameRate rate = options.frame_rate;
  REEL_REQUIRE(rate.numerator >= 1 && rate.denominator >= 1, kInvalidArgument,
               str_cat("The frame rate is ", rate.numerator, '/', rate.denominator,
                       ", both numbers must be at least 1."),
               "Use 16 frames per second.");
  REEL_REQUIRE(options.quality >= 0 && options.quality <= 51, kInvalidArgument,
               str_cat("quality is ", options.quality, ", must be 0 (best) to 51."), "Use 18.");
}

std::string lower_extension(const std::filesystem::path& path) {
  return lower_case(path.extension().string());
}

std::unique_ptr<FrameFile> open_file(const std::filesystem::path& path,
                                     const WriterOptions& options) {
  if (std::filesystem::is_directory(path)) return make_png_files(path / "frame.png");
  const std::string extension = lower_extension(path);
  if (extension == ".mp4" || extension == ".m4v") return make_mp4_file(path, options);
  if (extension == ".y4m") return make_y4m_file(path, options);
  if (extension == ".png") return make_png_files(path);
  if (extension.empty()) return make_png_files(path / "frame.png");
  fail(ErrorCode::kUnsupported,
       str_cat("\"", path.string(), "\" ends in \"", extension,
               "\"; .mp4, .m4v, .y4m, .png and folders can be written."),
       "Name the output clip.mp4; ffmpeg -i clip.mp4 -c copy makes other containers of it.");
}

}  // namespace

FrameRate to_frame_rate(double frames_per_second) {
  REEL_REQUIRE(frames_per_second >= 0.1 && frames_per_second <= 1000, kInvalidArgument,
               str_cat("The frame rate is ", frames_per_second, ", must be 0.1 to 1000."),
               "Use 16 frames per second.");
  // Television's rates: an integer times 1000/1001, written with two or three digits.
  const long nearest = std::lround(frames_per_second);
  const double television = static_cast<double>(nearest) * 1000.0 / 1001.0;
  if (frames_per_second != static_cast<double>(nearest) &&
      std::abs(frames_per_second - television) < 0.005) {
    return {.numerator = static_cast<int>(nearest) * 1000, .denominator = 1001};
  }
  const int thousandths = static_cast<int>(std::lround(frames_per_second * 1000));
  const int divisor = std::gcd(thousandths, 1000);
  return {.numerator = thousandths / divisor, .denominator = 1000 / divisor};
}

// One frame is being encoded and one filled, so two may wait.
FrameWriter::FrameWriter(std::unique_ptr<FrameFile> file, const WriterOptions& options)
    : width_px_(options.width_px),
      height_px_(options.height_px),
      file_(std::move(file)),
      worker_(kMostHeld - 2) {}

void FrameWriter::add(const FrameView& frame) {
  REEL_REQUIRE(frame.width_px == width_px_ && frame.height_px == height_px_ &&
                   frame.rgb.size() == size_t{3} * width_px_ * height_px_,
               kInvalidArgument,
               str_cat("frame ", frames_added_ + 1, " is ", frame.width_px, 'x', frame.height_px,
                       " in ", frame.rgb.size(), " bytes, must be ", width_px_, 'x', height_px_,
                       " in ", size_t{3} * width_px_ * height_px_, '.'));
  Frame& copy = held_[static_cast<size_t>(frames_added_) % kMostHeld];
  copy.width_px = frame.width_px;
  copy.height_px = frame.height_px;
  copy.rgb.assign(frame.rgb.begin(), frame.rgb.end());
  worker_.submit([this, &copy] { file_->add(copy.view()); });
  digest_.add(std::as_bytes(frame.rgb));
  ++frames_added_;
}

void FrameWriter::finish(const std::string& comment, const StopFlag* stop) {
  worker_.wait();
  REEL_REQUIRE(frames_added_ > 0, kInvalidArgument, "No frame was added, at least 1 must be.",
               "Generate at least one frame.");
  worker_.submit([&] { file_->finish(comment, stop); });
  worker_.wait();
}

std::unique_ptr<FrameWriter> make_frame_writer(const std::filesystem::path& path,
                                               const WriterOptions& options) {
  require_valid(options);
  return std::make_unique<FrameWriter>(open_file(path, options), options);
}

}  // namespace reel::media
