// SPDX-License-Identifier: Apache-2.0
// Follows decoder.cpp scope by scope; a test compares both.
#include "models/wan_vae/footprint.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/wan_vae/decoder.h"
#include "models/wan_vae/levels.h"
#include "nn/frame_ring.h"

namespace reel::wan_vae {
namespace {

using memory::ActivationLog;
using Scope = memory::ActivationLog::Scope;

// LowStages and HighStages, scope by scope.
class DecodeLog {
 public:
  DecodeLog(const Config& config, const DecodeShape& shape) : c_(config), s_(shape) {}

  void decode() {
    if (s_.strips == 1) {
      levels_ = levels_of(c_, s_, 0);
      Scope scope(log_);
      scope.take("level 0: frame", s_.residual, low_shape());
      low_stages();
      go_up(0);
      return;
    }
    low_stages();
    for (int strip = 0; strip < s_.strips; ++strip) {
      levels_ = levels_of(c_, s_, strip);
      go_up(0);
    }
  }

  const std::vector<memory::Activation>& activations() const { return log_.activations(); }

 private:
  Shape low_shape() const { return {s_.latent_rows, s_.latent_cols, c_.channels[0]}; }

  void frame(Scope& scope, const std::string& tag, DType dtype, int level, int64_t channels) {
    const Level& at = levels_[static_cast<size_t>(level)];
    scope.take(tag.c_str(), dtype, {at.rows.held.count(), at.cols, channels});
  }

  void low_stages() {
    Scope scope(log_);
    scope.take("latent frame", DType::kF32, {s_.latent_rows, s_.latent_cols, kLatentChannels});
    {
      Scope residual(log_);
      residual.take("level 0: hidden", s_.residual, low_shape());
    }
    Scope attention(log_);
    for (const char* tag :
         {"middle: attention input", "middle: queries", "middle: keys", "middle: values"}) {
      attention.take(tag, s_.compute, low_shape());
    }
  }

  void level(int index) {
    const Level& at = levels_[static_cast<size_t>(index)];
    const std::string name = "level " + std::to_string(index) + ": ";
    Scope scope(log_);
    if (at.in != at.out) frame(scope, name + "frame", s_.residual, index, at.out);
    {
      Scope residual(log_);
      frame(residual, name + "hidden", s_.residual, index, at.out);
    }
    if (index + 1 < kLevels) return go_up(index);
    frame(scope, "the picture", DType::kF32, index, 3);
  }

  void go_up(int index) {
    const Level& at = levels_[static_cast<size_t>(index)];
    if (!at.doubles_frames || at.frames == 1) return grow(index, s_.residual);
    Scope scope(log_);
    frame(scope, "level " + std::to_string(index) + ": frame in between", s_.compute, index,
          at.out);
    grow(index, s_.compute);
  }

  void grow(int index, DType from) {
    const Level& at = levels_[static_cast<size_t>(index)];
    const std::string name = "level " + std::to_string(index) + ": ";
    const Shape x{at.rows.wanted.count(), at.cols, at.out};
    Scope scope(log_);
    scope.take((name + "grown frame").c_str(), s_.residual,
               {2 * x[0], 2 * x[1], levels_[static_cast<size_t>(index) + 1].in});
    const Rows& held = levels_[static_cast<size_t>(index) + 1].rows.held;
    const int64_t first = 2 * at.rows.wanted.begin;
    for (int part = 0; part < kGrowParts; ++part) {
      Scope larger(log_);
      const Rows rows = make_grow_part({held.begin - first, held.end - first}, x[0], part).from;
      larger.take((name + "larger frame").c_str(), s_.compute, {2 * rows.count(), 2 * x[1], x[2]});
      if (from == s_.compute) continue;
      larger.take((name + "rounded frame").c_str(), s_.compute, {rows.count(), x[1], x[2]});
    }
    level(index + 1);
  }

  const Config& c_;
  const DecodeShape& s_;
  Levels levels_;
  ActivationLog log_;
};

// A ring of a pool, in the order in which a frame meets them.
struct Ring {
  uint64_t frame_bytes;
  int64_t frames;  // that it is given in a whole clip
};

// What nn::FramePool holds in the end. Most frames of a size are in use while the last one passes
// some ring: those before it hold two, it holds three, those after it what they had.
uint64_t pool_bytes(std::span<const Ring> rings) {
  std::map<uint64_t, std::vector<int64_t>> by_size;
  for (const Ring& ring : rings) {
    if (ring.frames > 0) by_size[memory::aligned(ring.frame_bytes)].push_back(ring.frames);
  }
  constexpr int64_t kKept = nn::FrameRing::kTaps - 1;
  uint64_t bytes = 0;
  for (const auto& [frame_bytes, frames] : by_size) {
    int64_t later = 0;
    for (const int64_t seen : frames) later += std::min(kKept, seen - 1);
    int64_t before = 0;
    int64_t most = 0;
    for (const int64_t seen : frames) {
      later -= std::min(kKept, seen - 1);
      most = std::max(most, before + std::min(kKept + 1, seen) + later);
      before += std::min(kKept, seen);
    }
    bytes += frame_bytes * static_cast<uint64_t>(most);
  }
  return bytes;
}

uint64_t low_past_bytes(const Config& config, const DecodeShape& shape) {
  const auto frame = [&](int64_t channels) {
    return Ring{static_cast<uint64_t>(
                    storage_bytes(shape.compute, shape.latent_rows * shape.latent_cols * channels)),
                shape.latent_frames};
  };
  std::vector<Ring> rings{frame(kLatentChannels)};
  constexpr int kMiddleConvs = 4;
  rings.insert(rings.end(), kMiddleConvs + kConvsPerLevel, frame(config.channels[0]));
  return pool_bytes(rings);
}

uint64_t high_past_bytes(const DecodeShape& shape, const Levels& levels) {
  std::vector<Ring> rings;
  const auto add = [&](const Level& at, int64_t channels, int64_t frames) {
    rings.push_back(
        {static_cast<uint64_t>(storage_bytes(shape.compute, at.pixels() * channels)), frames});
  };
  for (size_t index = 0; index < levels.size(); ++index) {
    const Level& at = levels[index];
    if (index > 0) {
      add(at, at.in, at.frames);
      for (int conv = 1; conv < kConvsPerLevel; ++conv) add(at, at.out, at.frames);
    }
    if (at.doubles_frames) add(at, at.out, at.frames - 1);
  }
  add(levels.back(), levels.back().out, levels.back().frames);  // of the head
  return pool_bytes(rings);
}

}  // namespace

std::vector<memory::Activation> decode_activations(const Config& config, const DecodeShape& shape) {
  DecodeLog log(config, shape);
  log.decode();
  return log.activations();
}

uint64_t past_frames_bytes(const Config& config, const DecodeShape& shape) {
  const uint64_t low = low_past_bytes(config, shape);
  if (shape.strips == 1) return low + high_past_bytes(shape, levels_of(config, shape, 0));
  uint64_t most = low;
  for (int strip = 0; strip < shape.strips; ++strip) {
    most = std::max(most, high_past_bytes(shape, levels_of(config, shape, strip)));
  }
  return most;
}

uint64_t low_frames_bytes(const Config& config, const DecodeShape& shape) {
  if (shape.strips == 1) return 0;
  return memory::aligned(static_cast<uint64_t>(storage_bytes(
      shape.residual,
      shape.latent_frames * shape.latent_rows * shape.latent_cols * config.channels[0])));
}

uint64_t waiting_rows_bytes(const DecodeShape& shape) {
  const Strip last = make_strip(shape.latent_rows, shape.strips, shape.strips - 1);
  return static_cast<uint64_t>(storage_bytes(
      DType::kF32,
      frames_of(shape.latent_frames) * last.picture.begin * kRowStride * shape.latent_cols * 3));
}

}  // namespace reel::wan_vae
