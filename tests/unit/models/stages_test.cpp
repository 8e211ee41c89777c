// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/stages.h"

#include <gtest/gtest.h>

#include "models/wan_vae/names.h"
#include "prepare/host_preparer.h"
#include "unit/models/blind_machine.h"

namespace reel::test {
namespace {

using wan_vae::HighStages;
using wan_vae::make_strip;

// The full decoder on a machine that computes nothing.
class DecoderStages : public testing::Test {
 protected:
  DecoderStages()
      : blind_({prepare::make_manifest(
                    checkpoint::needed_tensors(wan_vae::name_units(), wan_vae::dims_of({}))),
                {.compute = DType::kF16, .matrices = DType::kF16}}),
        weights_(wan_vae::bind_decoder(blind_.fixed())) {}

  BlindWeights blind_;
  wan_vae::DecoderWeights weights_;
  BlindMemory memory_;
  Arena arena_{"activations", memory_};
  StopFlag stop_;
  ops::Context ctx_{.kernels = blind_kernels(),
                    .arena = arena_,
                    .stop = stop_,
                    .compute = DType::kF16,
                    .memory = memory_};
};

TEST_F(DecoderStages, MakeOnePictureOfTheFirstFrameAndFourOfEachLaterOne) {
  for (const int strips : {1, 3}) {
    for (int index = 0; index < strips; ++index) {
      const wan_vae::Strip strip = make_strip(20, strips, index);
      std::vector<Shape> pictures;
      HighStages high(ctx_, weights_, strip,
                      [&](const ops::Frame& rows) { pictures.push_back(rows.shape); });
      for (const size_t wanted : {1u, 5u, 9u, 13u}) {
        ops::Scratch scratch{ctx_};
        high.decode(scratch.make(DType::kF16, {strip.levels[0].held.count(), 6, 384}));
        EXPECT_EQ(pictures.size(), wanted);
      }
      for (const Shape& shape : pictures) {
        EXPECT_EQ(shape, (Shape{strip.picture.count(), 48, 3}));
      }
    }
  }
}

// The convolution over time after level 0 sees its first frame when the others see their second.
TEST_F(DecoderStages, KeepNoMoreAfterTheFirstFourFrames) {
  const wan_vae::Strip strip = make_strip(20, 2, 1);
  const wan_vae::Rows held = strip.levels[0].held;
  wan_vae::LowStages low(ctx_, weights_);
  HighStages high(ctx_, weights_, strip, [](const ops::Frame&) {});
  std::vector<uint64_t> kept;
  for (int frame = 0; frame < 6; ++frame) {
    ops::Scratch scratch{ctx_};
    const ops::Frame x = scratch.make(DType::kF16, {20, 6, 384});
    low.decode(scratch.f32({20, 6, 16}), x);
    high.decode(x.slice(held.begin, held.count()));
    kept.push_back(memory_.live_bytes());
  }
  EXPECT_LT(kept[0], kept[3]);
  EXPECT_EQ(kept[5], kept[3]);
}

}  // namespace
}  // namespace reel::test
