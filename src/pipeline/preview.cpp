// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preview.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "media/contact_sheet.h"
#include "media/png_encoder.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 6;
constexpr int kColumns = 3;

}  // namespace

Previews::Previews(PreviewPainter& painter, std::string folder, Progress& progress)
    : painter_(painter), folder_(std::move(folder)), progress_(progress) {}

void Previews::show(const Tensor& clean, int step, int steps) {
  const std::vector<media::Frame> frames = painter_.paint(clean, kFrames);
  std::vector<media::FrameView> views;
  views.reserve(frames.size());
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
