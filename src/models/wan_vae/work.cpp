// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/work.h"

#include "models/wan_vae/levels.h"

namespace reel::wan_vae {
namespace {

// Of one row of a level, by 3 x 3 x `taps` or 1 x 1 x `taps` kernels.
double row_ops(const Level& at, int64_t in, int64_t out, int64_t positions) {
  return 2.0 * static_cast<double>(at.cols * in * out * positions);
}

// Middle and level 0, for one frame.
memory::Work low_work(const Config& config, const DecodeShape& shape) {
  const int64_t middle = config.channels[0];
  const int64_t pixels = shape.latent_rows * shape.latent_cols;
  memory::Work work;
  const auto conv = [&](int64_t in, int64_t positions) {
    return 2.0 * static_cast<double>(pixels * in * middle * positions);
  };
  work.conv_ops =
      conv(kLatentChannels, 27) + (4 + kConvsPerLevel) * conv(middle, 27) + 4 * conv(middle, 1);
  work.wide_ops = 4.0 * static_cast<double>(pixels * pixels * middle);
  work.traffic_bytes = static_cast<double>(pixels * middle * kConvsPerLevel * 3) *
                       static_cast<double>(block_bytes(shape.residual));
  return work;
}

// The levels after it, for a whole clip.
memory::Work high_work(const DecodeShape& shape, const Levels& levels) {
  memory::Work work;
  for (size_t index = 0; index < levels.size(); ++index) {
    const Level& at = levels[index];
    const auto frames = static_cast<double>(at.frames);
    const auto wanted = static_cast<double>(at.rows.wanted.count());
    if (index > 0) {
      const auto held = static_cast<double>(at.rows.held.count());
      for (int conv = 0; conv < kConvsPerLevel; ++conv) {
        const auto rows = static_cast<double>(at.rows.needed_by(kConvsPerLevel - 1 - conv).count());
        work.conv_ops += frames * rows * row_ops(at, conv == 0 ? at.in : at.out, at.out, 27);
      }
      if (at.in != at.out) work.conv_ops += frames * wanted * row_ops(at, at.in, at.out, 1);
      work.conv_ops += frames * held * row_ops(at, levels[index - 1].out, at.in, 9);
      // Norms read and write a frame, as does the sum with the residual stream.
      work.traffic_bytes += frames * static_cast<double>(at.pixels() * at.out) * kConvsPerLevel *
                            3 * static_cast<double>(block_bytes(shape.residual));
    }
    if (at.doubles_frames)
      work.conv_ops += 2 * (frames - 1) * wanted * row_ops(at, at.out, at.out, 3);
  }
  const Level& last = levels.back();
  work.conv_ops +=
      static_cast<double>(last.frames * last.rows.wanted.count()) * row_ops(last, last.out, 3, 27);
  return work;
}

}  // namespace

memory::Work decode_work(const Config& config, const DecodeShape& shape) {
  memory::Work work = static_cast<double>(shape.latent_frames) * low_work(config, shape);
  for (int strip = 0; strip < shape.strips; ++strip) {
    work += high_work(shape, levels_of(config, shape, strip));
  }
  return work;
}

}  // namespace reel::wan_vae
