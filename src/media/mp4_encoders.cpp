// SPDX-License-Identifier: Apache-2.0
#include "media/mp4_encoders.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"

namespace reel::media {

std::vector<std::string> encoders_to_try(const WriterOptions& options) {
  if (!options.encoders.empty()) return options.encoders;
  return {std::begin(kEncoders), std::end(kEncoders)};
}

EncoderSettings quality_settings(std::string_view encoder, int quality) {
  if (encoder == "libx264") {
    // A third of medium's time for files of the same size and 1 to 2 dB less at the default's 41 to
    // 45 dB: the encoder keeps up with a fast GPU's decoding, even of noise.
    EncoderSettings settings{{"preset", "veryfast"}, {"crf", std::to_string(quality)}};
    // x264 164's AVX-512 kernels read memory that nobody wrote: on some clips its bytes depend on
    // what was freed before (seen with MALLOC_PERTURB_). AVX2 is there wherever AVX-512 is.
    if (__builtin_cpu_supports("avx512f")) settings.emplace_back("x264-params", "asm=avx2");
    return settings;
  }
  if (encoder == "h264_nvenc") {
    return {{"rc", "vbr"}, {"cq", std::to_string(std::max(quality, 1))}};
  }
  // The quantiser of H.264 itself, or that of MPEG-4, which runs from 1 to 31; 6 steps of CRF
  // double the latter.
  const int quantiser = encoder == "mpeg4" ? std::clamp(quality / 6, 1, 31) : quality;
  return {{"qmin", std::to_string(quantiser)}, {"qmax", std::to_string(quantiser)}};
}

int movie_timescale(const FrameRate& rate) {
  return rate.numerator < 1000 ? rate.numerator * 1000 : rate.numerator;
}

void fail_without_encoder(const WriterOptions& options, const std::string& tried) {
  fail(ErrorCode::kUnsupported,
       str_cat("No encoder for ", options.width_px, 'x', options.height_px,
               " MP4 video could be opened, one is needed. Tried: ", tried, '.'),
       "Install an FFmpeg with libx264, or write clip.y4m or a folder of PNG frames.");
}

}  // namespace reel::media
