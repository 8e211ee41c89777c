// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preview_painter.h"

#include <algorithm>

#include "media/enlarge.h"
#include "media/shrink.h"
#include "pipeline/latent_shape.h"

namespace reel::pipeline {
namespace {

constexpr int64_t kLongestDrawnPx = 256;
constexpr int kLongestDecodedPx = 448;

media::Frame draw(const Tensor& clean, const wan_vae::LatentRgb& map, int64_t frame) {
  const Shape& shape = clean.shape();
  media::Frame small(static_cast<int>(shape[2]), static_cast<int>(shape[3]));
  std::vector<float> colours(small.rgb.size());
  wan_vae::latent_frame_to_rgb(map, clean.view(), frame, colours);
  media::to_rgb8(colours, media::PixelRange::kSigned, small.rgb);
  const int64_t times =
      std::clamp<int64_t>(kLongestDrawnPx / std::max(shape[2], shape[3]), 1, wan_vae::kRowStride);
  return media::enlarge(small.view(), static_cast<int>(times));
}

// Latent frames spread over `there` of them.
std::vector<int64_t> spread(int64_t there, int most_frames) {
  const int64_t count = std::min<int64_t>(most_frames, there);
  std::vector<int64_t> chosen;
  for (int64_t at = 0; at < count; ++at) {
    chosen.push_back(count == 1 ? 0 : at * (there - 1) / (count - 1));
  }
  return chosen;
}

}  // namespace

PreviewPainter::PreviewPainter(const OpenModel& model, const VideoSize& video, Runtime& runtime)
    : map_(model.latent_rgb()) {
  if (!model.files().preview) return;
  decoder_.emplace(*model.files().preview, model.preview_decoder(), video, runtime);
}

std::vector<media::Frame> PreviewPainter::paint(const Tensor& clean, int most_frames) {
  const std::vector<int64_t> chosen = spread(clean.shape()[1], most_frames);
  if (decoder_) return decode(clean, chosen);
  std::vector<media::Frame> frames;
  frames.reserve(chosen.size());
  for (const int64_t frame : chosen) frames.push_back(draw(clean, map_, frame));
  return frames;
}

std::vector<media::Frame> PreviewPainter::decode(const Tensor& clean,
                                                 const std::vector<int64_t>& chosen) {
  const VideoSize size = video_size(clean.shape());
  media::Frame whole(static_cast<int>(size.height_px), static_cast<int>(size.width_px));
  const int longest = std::max(whole.height_px, whole.width_px);
  const int times = (longest + kLongestDecodedPx - 1) / kLongestDecodedPx;
  std::vector<media::Frame> frames;
  int64_t index = 0;
  decoder_->decode(clean, [&](const TensorView& pixels) {
    const int64_t at = index++;
    if (at % wan_vae::kFrameStride != 0 ||
        std::ranges::find(chosen, at / wan_vae::kFrameStride) == chosen.end()) {
      return;
    }
    media::to_rgb8({pixels.as<float>(), static_cast<size_t>(pixels.elements())},
                   media::PixelRange::kSigned, whole.rgb);
    frames.push_back(
        media::shrink(whole.view(), std::min({times, whole.height_px, whole.width_px})));
  });
  return frames;
}

}  // namespace reel::pipeline
