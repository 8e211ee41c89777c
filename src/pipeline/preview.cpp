// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preview.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "media/contact_sheet.h"
#include "media/enlarge.h"
#include "media/png_encoder.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 6;
constexpr int kColumns = 3;
constexpr int64_t kLongestSidePx = 256;

media::Frame draw(const Tensor& clean, const wan_vae::LatentRgb& map, int64_t frame) {
  const Shape& shape = clean.shape();
  media::Frame small(static_cast<int>(shape[2]), static_cast<int>(shape[3]));
  std::vector<float> colours(small.rgb.size());
  wan_vae::latent_frame_to_rgb(map, clean.view(), frame, colours);
  media::to_rgb8(colours, media::PixelRange::kSigned, small.rgb);
  const int64_t times =
      std::clamp<int64_t>(kLongestSidePx / std::max(shape[2], shape[3]), 1, wan_vae::kRowStride);
  return media::enlarge(small.view(), static_cast<int>(times));
}

}  // namespace

std::vector<media::Frame> preview_frames(const Tensor& clean, const wan_vae::LatentRgb& map,
                                         int most_frames) {
  const int64_t there = clean.shape()[1];
  const int64_t count = std::min<int64_t>(most_frames, there);
  std::vector<media::Frame> frames;
  for (int64_t at = 0; at < count; ++at) {
    frames.push_back(draw(clean, map, count == 1 ? 0 : at * (there - 1) / (count - 1)));
  }
  return frames;
}

Previews::Previews(const wan_vae::LatentRgb& map, std::string folder, Progress& progress)
    : map_(map), folder_(std::move(folder)), progress_(progress) {}

void Previews::show(const Tensor& clean, int step, int steps) {
  const std::vector<media::Frame> frames = preview_frames(clean, map_, kFrames);
  std::vector<media::FrameView> views;
  for (const media::Frame& frame : frames) views.push_back(frame.view());
  const int columns = std::min(kColumns, static_cast<int>(views.size()));
  const media::Frame sheet = media::make_contact_sheet(views, {.columns = columns});
  if (!folder_.empty()) write(sheet, step);
  progress_.on_preview({.step = step,
                        .steps = steps,
                        .rgb = sheet.rgb.data(),
                        .height_px = sheet.height_px,
                        .width_px = sheet.width_px});
}

void Previews::write(const media::Frame& sheet, int step) {
  try {
    fs::create_directory(folder_);
    OutputFile file(fs::path(folder_) / str_cat("step-", step, ".png"));
    file.write(media::encode_png(sheet.view()));
    file.commit();
  } catch (const std::exception& error) {
    progress_.on_warning(str_cat("No more previews: ", error.what()));
    folder_.clear();
  }
}

}  // namespace reel::pipeline
