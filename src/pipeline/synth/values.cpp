// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/values.h"

#include <algorithm>
#include <array>

#include "pipeline/synth/vector_clones.h"

namespace reel::synth {
namespace {

// Philox blocks made together: arrays of one lane per block become vector registers.
constexpr int kLanes = 16;
constexpr int kTile = 4 * kLanes;
constexpr uint64_t kWord = 0xffffffffu;

// The numbers of counters `counter`, counter + 1, ... See core/numerics/philox.h.
REEL_VECTOR_CLONES void fill_tiles(uint64_t seed, const ValueRule& rule, uint64_t counter,
                                   int64_t tiles, float* out) {
  const float step = rule.amplitude * 0x1p-23f;
  for (int64_t tile = 0; tile < tiles; ++tile, counter += kLanes, out += kTile) {
    std::array<uint64_t, kLanes> x, y, z, w;  // words of 32 bits, ready to be multiplied
    for (uint64_t lane = 0; lane < kLanes; ++lane) {
      x[lane] = (counter + lane) & kWord;
      y[lane] = (counter + lane) >> 32;
      z[lane] = rule.stream & kWord;
      w[lane] = rule.stream >> 32;
    }
    uint32_t key_x = static_cast<uint32_t>(seed);
    uint32_t key_y = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const uint64_t first = (x[lane] & kWord) * 0xD2511F53u;
        const uint64_t second = (z[lane] & kWord) * 0xCD9E8D57u;
        x[lane] = (second >> 32) ^ y[lane] ^ key_x;
        z[lane] = (first >> 32) ^ w[lane] ^ key_y;
        y[lane] = second & kWord;
        w[lane] = first & kWord;
      }
      key_x += 0x9E3779B9u;
      key_y += 0xBB67AE85u;
    }
    const auto number = [&](uint64_t word) {
      const auto top = static_cast<int32_t>(static_cast<uint32_t>(word) >> 8);
      return rule.offset + static_cast<float>(top - (1 << 23)) * step;
    };
    for (size_t lane = 0; lane < kLanes; ++lane) {
      float* const four = out + 4 * lane;
      four[0] = number(x[lane]);
      four[1] = number(y[lane]);
      four[2] = number(z[lane]);
      four[3] = number(w[lane]);
    }
  }
}

class RandomValues : public TensorValues {
 public:
  RandomValues(uint64_t seed, const ValueRule& rule) : seed_(seed), rule_(rule) {}

  void fill(int64_t first, std::span<float> out) const override {
    fill_values(seed_, rule_, first, out);
  }

 private:
  uint64_t seed_;
  ValueRule rule_;
};

}  // namespace

TensorValuesPtr random_values(uint64_t seed, const ValueRule& rule) {
  return std::make_shared<RandomValues>(seed, rule);
}

uint64_t stream_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  }
  return hash;
}

void fill_values(uint64_t seed, const ValueRule& rule, int64_t first, std::span<float> out) {
  std::array<float, kTile> tile;
  while (!out.empty()) {
    const int64_t skipped = first % 4;
    int64_t done = 0;
    if (skipped == 0 && out.size() >= kTile) {
      const auto tiles = static_cast<int64_t>(out.size()) / kTile;
      fill_tiles(seed, rule, static_cast<uint64_t>(first / 4), tiles, out.data());
      done = tiles * kTile;
    } else {
      fill_tiles(seed, rule, static_cast<uint64_t>(first / 4), 1, tile.data());
      done = std::min<int64_t>(kTile - skipped, static_cast<int64_t>(out.size()));
      std::copy_n(tile.begin() + skipped, done, out.begin());
    }
    first += done;
    out = out.subspan(static_cast<size_t>(done));
  }
}

}  // namespace reel::synth
