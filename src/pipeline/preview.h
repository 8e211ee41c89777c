// SPDX-License-Identifier: Apache-2.0
// What a clip is going to look like, drawn from what a step estimates the clean latents to be.
#pragma once

#include <reel/progress.h>

#include <string>

#include "core/buffer.h"
#include "media/frame.h"
#include "models/wan_vae/latent_rgb.h"

namespace reel::pipeline {

// `most_frames` latent frames spread evenly over the clip, the first and the last among them, each
// enlarged to at most 256 px and at most the clip's own size.
//
//   clean  [16, latent_frames, latent_rows, latent_cols] f32
std::vector<media::Frame> preview_frames(const Tensor& clean, const wan_vae::LatentRgb& map,
                                         int most_frames);

// Shows the preview of each step: to `progress` and, where a folder is given, as step-1.png and on.
class Previews {
 public:
  // `folder` is as choose_preview_folder() gives it, or empty. `progress` must outlive this object.
  Previews(const wan_vae::LatentRgb& map, std::string folder, Progress& progress);

  // After step `step` of `steps`, counted from 1. A file that cannot be written is one warning, no
  // error: a clip is worth more than its preview.
  void show(const Tensor& clean, int step, int steps);

 private:
  void write(const media::Frame& sheet, int step);

  const wan_vae::LatentRgb& map_;
  std::string folder_;
  Progress& progress_;
};

}  // namespace reel::pipeline
