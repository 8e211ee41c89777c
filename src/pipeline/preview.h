// SPDX-License-Identifier: Apache-2.0
// What a clip is going to look like, drawn from what a step estimates the clean latents to be.
#pragma once

#include <reel/progress.h>

#include <string>

#include "core/buffer.h"
#include "media/frame.h"
#include "pipeline/preview_painter.h"

namespace reel::pipeline {

// Shows the preview of each step: to `progress` and, where a folder is given, as step-1.png and on.
class Previews {
 public:
  // `folder` is as choose_preview_folder() gives it, or empty. The others must outlive this object.
  Previews(PreviewPainter& painter, std::string folder, Progress& progress);

  // After step `step` of `steps`, counted from 1. A file that cannot be written is one warning, no
  // error: a clip is worth more than its preview.
  void show(const Tensor& clean, int step, int steps);

 private:
  void write(const media::Frame& sheet, int step);

  PreviewPainter& painter_;
  std::string folder_;
  Progress& progress_;
};

}  // namespace reel::pipeline
