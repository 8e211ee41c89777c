// SPDX-License-Identifier: Apache-2.0
// Follows decoder.cpp and frame_decoder.cpp scope by scope; a test compares both.
#include "models/tae/footprint.h"

#include <string>

namespace reel::tae {
namespace {

using memory::ActivationLog;
using Scope = memory::ActivationLog::Scope;

class DecodeLog {
 public:
  DecodeLog(const Config& config, const DecodeShape& shape) : c_(config), s_(shape) {}

  void decode() {
    Scope scope(log_);
    const Shape z{s_.latent_rows, s_.latent_cols, kLatentChannels};
    scope.take("latent frame", s_.compute, z);
    scope.take("latent frame, f32", DType::kF32, z);
    level(0);
  }

  const std::vector<memory::Activation>& activations() const { return log_.activations(); }

 private:
  // Of a level's frames, or of what level 2's become at 3.
  Shape frame(int level, int64_t channels) const {
    return {s_.latent_rows << level, s_.latent_cols << level, channels};
  }

  void level(int index) {
    const std::string name = "level " + std::to_string(index) + ": ";
    const int64_t channels = c_.channels[static_cast<size_t>(index)];
    const auto take = [&](Scope& scope, const char* what, const Shape& shape) {
      scope.take((name + what).c_str(), s_.compute, shape);
    };
    Scope scope(log_);
    take(scope, "frame", frame(index, channels));
    {
      Scope block(log_);
      take(block, "hidden 1", frame(index, channels));
      take(block, "hidden 2", frame(index, channels));
    }
    {
      Scope grown(log_);
      take(grown, "larger frame", frame(index + 1, channels));
      take(grown, "grown frame", frame(index, channels));
      if (index + 1 == kLevels) return finish();
    }
    level(index + 1);
  }

  void finish() {
    Scope scope(log_);
    scope.take("the last frame", s_.compute, frame(kLevels, c_.channels.back()));
    scope.take("the picture", DType::kF32, frame(kLevels, 3));
  }

  const Config& c_;
  const DecodeShape& s_;
  ActivationLog log_;
};

}  // namespace

std::vector<memory::Activation> decode_activations(const Config& config, const DecodeShape& shape) {
  DecodeLog log(config, shape);
  log.decode();
  return log.activations();
}

uint64_t past_frames_bytes(const Config& config, const DecodeShape& shape) {
  constexpr uint64_t kPlaces = 2;  // of a block
  uint64_t bytes = 0;
  for (int level = 0; level < kLevels; ++level) {
    const int64_t elements = (shape.latent_rows << level) * (shape.latent_cols << level) *
                             config.channels[static_cast<size_t>(level)];
    bytes += kPlaces * kBlocksPerLevel *
             memory::aligned(static_cast<uint64_t>(storage_bytes(shape.compute, elements)));
  }
  return bytes;
}

}  // namespace reel::tae
