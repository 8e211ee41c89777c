// SPDX-License-Identifier: Apache-2.0
// Pictures of what a step estimates the clean latents to be: by a TAE where the model has one for
// that, else as one colour for each position of the latents.
#pragma once

#include <optional>
#include <vector>

#include "core/buffer.h"
#include "media/frame.h"
#include "pipeline/open_model.h"
#include "pipeline/preview_decoder.h"

namespace reel::pipeline {

class PreviewPainter {
 public:
  // Loads the TAE, as PreviewDecoder does. Both must outlive this object.
  PreviewPainter(const OpenModel& model, const VideoSize& video, Runtime& runtime);
  // Of a map alone, which must outlive this object.
  explicit PreviewPainter(const wan_vae::LatentRgb& map) : map_(map) {}

  // `most_frames` frames spread evenly over the clip, the first and the last among them, one for
  // each of as many latent frames: the last that it stands for.
  //
  //   clean  [16, latent_frames, latent_rows, latent_cols] f32
  //
  // By a TAE: shrunk by a whole number so that they are at most 448 px. By the map: enlarged to at
  // most 256 px and at most the clip's own size.
  std::vector<media::Frame> paint(const Tensor& clean, int most_frames);

 private:
  std::vector<media::Frame> decode(const Tensor& clean, const std::vector<int64_t>& chosen);

  const wan_vae::LatentRgb& map_;
  std::optional<PreviewDecoder> decoder_;
};

}  // namespace reel::pipeline
