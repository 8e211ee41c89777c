// SPDX-License-Identifier: Apache-2.0
#include "models/tae/work.h"

namespace reel::tae {

memory::Work decode_work(const Config& config, const DecodeShape& shape) {
  memory::Work work;
  auto frames = static_cast<double>(shape.latent_frames);
  auto pixels = static_cast<double>(shape.latent_rows * shape.latent_cols);
  const auto channels = [&](int level) {
    return static_cast<double>(config.channels[static_cast<size_t>(level)]);
  };
  constexpr double kWindow = 9;
  constexpr double kConvsOfBlock = 4;  // the first is over two frames
  work.conv_ops += 2 * frames * pixels * kWindow * kLatentChannels * channels(0);
  for (int level = 0; level < kLevels; ++level) {
    const double n = channels(level);
    const double here = frames * pixels;
    work.conv_ops += 2 * here * kBlocksPerLevel * kConvsOfBlock * kWindow * n * n;
    frames *= Config::grow(level);
    if (level + 1 == kLevels) frames -= kFrameStride - 1;  // never made
    work.conv_ops += 2 * frames * pixels * n * n;
    pixels *= 4;
    work.conv_ops += 2 * frames * pixels * kWindow * n * channels(level + 1);
    // Doubling reads a quarter of what it writes.
    work.traffic_bytes +=
        1.25 * frames * pixels * n * static_cast<double>(block_bytes(shape.compute));
  }
  work.conv_ops += 2 * frames * pixels * kWindow * channels(kLevels) * 3;
  return work;
}

}  // namespace reel::tae
