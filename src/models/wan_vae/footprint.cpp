// SPDX-License-Identifier: Apache-2.0
// Follows decoder.cpp scope by scope; a test compares both.
#include "models/wan_vae/footprint.h"

#include <algorithm>
#include <array>
#include <string>

#include "nn/frame_ring.h"

namespace reel::wan_vae {
namespace {

using memory::ActivationLog;
using Scope = memory::ActivationLog::Scope;

// One level: its own frames, and the channels that come in and leave its residual blocks.
struct Level {
  int64_t rows = 0, cols = 0;
  int64_t in = 0, out = 0;
  int64_t frames = 0;           // that pass through it in a whole clip
  bool doubles_frames = false;  // on the way to the next level

  int64_t pixels() const { return rows * cols; }
};

std::array<Level, kLevels> levels_of(const Config& config, const DecodeShape& shape) {
  const auto& c = config.channels;
  std::array<Level, kLevels> levels;
  int64_t frames = shape.latent_frames;
  for (int index = 0; index < kLevels; ++index) {
    // Two levels double frames; the space convolutions of the first three halve channels.
    const bool first = index == 0;
    levels[static_cast<size_t>(index)] = {.rows = shape.latent_rows << index,
                                          .cols = shape.latent_cols << index,
                                          .in = first        ? c[0]
                                                : index == 1 ? c[1] / 2
                                                             : c[static_cast<size_t>(index) + 1],
                                          .out = c[static_cast<size_t>(index) + 1],
                                          .frames = frames,
                                          .doubles_frames = index < 2};
    if (index < 2) frames = 2 * frames - 1;
  }
  return levels;
}

class DecodeLog {
 public:
  DecodeLog(const Config& config, const DecodeShape& shape)
      : c_(config), s_(shape), levels_(levels_of(config, shape)) {}

  void decode() {
    Scope scope(log_);
    scope.take("latent frame", DType::kF32, {s_.latent_rows, s_.latent_cols, kLatentChannels});
    Scope latent(log_);
    frame(latent, "middle", s_.residual, 0, c_.channels[0]);
    residual("middle: hidden", 0, c_.channels[0]);
    attention();
    level(0);
  }

  const std::vector<memory::Activation>& activations() const { return log_.activations(); }

 private:
  void frame(Scope& scope, const std::string& tag, DType dtype, int level, int64_t channels) {
    const Level& at = levels_[static_cast<size_t>(level)];
    scope.take(tag.c_str(), dtype, {at.rows, at.cols, channels});
  }

  void residual(const std::string& tag, int level, int64_t channels) {
    Scope scope(log_);
    frame(scope, tag, s_.residual, level, channels);
  }

  void attention() {
    Scope scope(log_);
    for (const char* tag :
         {"middle: attention input", "middle: queries", "middle: keys", "middle: values"}) {
      frame(scope, tag, s_.compute, 0, c_.channels[0]);
    }
  }

  void level(int index) {
    const Level& at = levels_[static_cast<size_t>(index)];
    const std::string name = "level " + std::to_string(index) + ": ";
    Scope scope(log_);
    frame(scope, name + "frame", s_.residual, index, at.out);
    residual(name + "hidden", index, at.out);
    if (index + 1 == kLevels) {
      frame(scope, "the picture", DType::kF32, index, 3);
    } else if (at.doubles_frames && at.frames > 1) {
      Scope doubling(log_);
      frame(doubling, name + "frame in between", s_.compute, index, at.out);
      grow(index, s_.compute);
    } else {
      grow(index, s_.residual);
    }
  }

  void grow(int index, DType from) {
    const Level& at = levels_[static_cast<size_t>(index)];
    const std::string name = "level " + std::to_string(index) + ": ";
    Scope scope(log_);
    if (from != s_.compute) frame(scope, name + "rounded frame", s_.compute, index, at.out);
    frame(scope, name + "larger frame", s_.compute, index + 1, at.out);
    frame(scope, name + "grown frame", s_.residual, index + 1,
          levels_[static_cast<size_t>(index) + 1].in);
    level(index + 1);
  }

  const Config& c_;
  const DecodeShape& s_;
  std::array<Level, kLevels> levels_;
  ActivationLog log_;
};

double conv_ops(const Level& at, int64_t in, int64_t out, int64_t taps) {
  return 2.0 * static_cast<double>(at.pixels() * in * out * taps);
}

}  // namespace

std::vector<memory::Activation> decode_activations(const Config& config, const DecodeShape& shape) {
  DecodeLog log(config, shape);
  log.decode();
  return log.activations();
}

uint64_t past_frames_bytes(const Config& config, const DecodeShape& shape) {
  uint64_t bytes = 0;
  // `seen` frames of one convolution's input, of which the last three are kept.
  const auto add = [&](const Level& at, int64_t channels, int64_t seen, uint64_t convolutions) {
    const auto frame = static_cast<uint64_t>(storage_bytes(shape.compute, at.pixels() * channels));
    const auto kept = static_cast<uint64_t>(std::min<int64_t>(nn::FrameRing::kTaps, seen));
    bytes += convolutions * kept * memory::aligned(frame);
  };
  const std::array<Level, kLevels> levels = levels_of(config, shape);
  add(levels[0], kLatentChannels, levels[0].frames, 1);
  add(levels[0], config.channels[0], levels[0].frames, 4);  // of the middle
  for (const Level& at : levels) {
    add(at, at.in, at.frames, 1);
    add(at, at.out, at.frames, 2 * kResidualsPerLevel - 1);
    if (at.doubles_frames) add(at, at.out, at.frames - 1, 1);
  }
  add(levels.back(), levels.back().out, levels.back().frames, 1);  // of the head
  return bytes;
}

memory::Work decode_work(const Config& config, const DecodeShape& shape) {
  const std::array<Level, kLevels> levels = levels_of(config, shape);
  const int64_t middle = config.channels[0];
  const Level& small = levels[0];
  const auto pixels = static_cast<double>(small.pixels());
  const auto small_frames = static_cast<double>(small.frames);
  memory::Work work;
  work.conv_ops += small_frames * (conv_ops(small, kLatentChannels, middle, 27) +
                                   4 * conv_ops(small, middle, middle, 27) +
                                   4 * conv_ops(small, middle, middle, 1));
  work.wide_ops += small_frames * 4 * pixels * pixels * static_cast<double>(middle);
  for (size_t index = 0; index < levels.size(); ++index) {
    const Level& at = levels[index];
    const auto frames = static_cast<double>(at.frames);
    double per_frame = conv_ops(at, at.in, at.out, 27) +
                       (2 * kResidualsPerLevel - 1) * conv_ops(at, at.out, at.out, 27);
    if (at.in != at.out) per_frame += conv_ops(at, at.in, at.out, 1);
    work.conv_ops += frames * per_frame;
    // Norms read and write a frame, as does the sum with the residual stream.
    work.traffic_bytes += frames * static_cast<double>(at.pixels() * at.out) * 2 *
                          kResidualsPerLevel * 3 * static_cast<double>(block_bytes(shape.residual));
    if (at.doubles_frames) work.conv_ops += 2 * (frames - 1) * conv_ops(at, at.out, at.out, 3);
    if (index + 1 == levels.size()) {
      work.conv_ops += frames * conv_ops(at, at.out, 3, 27);
    } else {
      const Level& next = levels[index + 1];
      work.conv_ops += static_cast<double>(next.frames) * conv_ops(next, at.out, next.in, 9);
    }
  }
  return work;
}

}  // namespace reel::wan_vae
