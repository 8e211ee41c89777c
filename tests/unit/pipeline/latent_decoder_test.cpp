// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_decoder.h"

#include <gtest/gtest.h>
#include <reel/synth.h>

#include "memory/tags.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

constexpr VideoSize k480p{.frames = 81, .height_px = 480, .width_px = 832};

class LatentDecoderTest : public testing::Test {
 protected:
  // The headers of a decoder of true widths.
  checkpoint::Component component(const std::string& file) const {
    const auto out = folder_ / file;
    synthesize(
        {.layout = "decoder:" + file, .preset = "wan2.1-t2v-14b", .out = out, .sparse = true});
    return *checkpoint::open_checkpoint({.model = out}).vae;
  }

  test::TempFolder folder_;
};

TEST_F(LatentDecoderTest, IsNamedAfterWhatItIs) {
  const checkpoint::Component light = component("lightvaew2_1.pth");
  const checkpoint::Component tae = component("taew2_1.pth");
  const checkpoint::Component light_tae = component("lighttaew2_1.safetensors");

  EXPECT_STREQ(LatentDecoder().name(), "VAE");
  EXPECT_STREQ(LatentDecoder(light, "auto").name(), "light VAE");
  EXPECT_STREQ(LatentDecoder(tae, "auto").name(), "TAE");
  EXPECT_STREQ(LatentDecoder(tae, "vae").name(), "TAE of VAE latents");
  EXPECT_STREQ(LatentDecoder(light_tae, "auto").name(), "TAE of VAE latents");
  EXPECT_STREQ(LatentDecoder(light_tae, "diffusion").name(), "TAE");
}

TEST_F(LatentDecoderTest, KnowsTwoKindsOfLatents) {
  EXPECT_REEL_ERROR(LatentDecoder(component("taew2_1.pth"), "raw"), kInvalidArgument,
                    "The latents of the TAE are \"raw\"; auto, diffusion and vae are possible.");
}

TEST_F(LatentDecoderTest, BlendsTilesOfAVaeAlone) {
  EXPECT_TRUE(wants_blended_tiles("blended"));
  EXPECT_FALSE(wants_blended_tiles("off"));
  EXPECT_FALSE(wants_blended_tiles(""));
  EXPECT_REEL_ERROR(wants_blended_tiles("on"), kInvalidArgument,
                    "VAE tiling is \"on\"; off and blended are possible.");

  const LatentDecoder light(component("lightvaew2_1.pth"), "auto", true);
  const LatentDecoder tae(component("taew2_1.pth"), "auto", true);
  EXPECT_TRUE(light.blends_tiles());
  EXPECT_EQ(light.tiles(k480p), 15);
  EXPECT_EQ(light.most_strips(k480p), 1);
  EXPECT_FALSE(tae.blends_tiles());
  EXPECT_EQ(tae.tiles(k480p), 1);
  EXPECT_EQ(tae.footprint(k480p, DType::kF16, 1).host_bytes, 0u);
  EXPECT_EQ(LatentDecoder().tiles(k480p), 1);
}

// All pictures wait in host memory; the GPU holds no more than a tile's part.
TEST_F(LatentDecoderTest, TilesTakeATilesMemoryAndTheWorkOfAll) {
  const checkpoint::Component light = component("lightvaew2_1.pth");
  const LatentDecoder::Footprint whole =
      LatentDecoder(light, "auto").footprint(k480p, DType::kF16, 1);
  const LatentDecoder::Footprint tiled =
      LatentDecoder(light, "auto", true).footprint(k480p, DType::kF16, 1);

  EXPECT_LT(5 * memory::stack_layout(tiled.forward).bytes,
            memory::stack_layout(whole.forward).bytes);
  EXPECT_LT(5 * tiled.held.front().bytes, whole.held.front().bytes);
  EXPECT_GT(tiled.work.conv_ops, 1.6 * whole.work.conv_ops);
  EXPECT_EQ(whole.host_bytes, 0u);
  const uint64_t pictures = uint64_t{81} * 480 * 832 * 3 * sizeof(float);
  EXPECT_GT(tiled.host_bytes, pictures);
  EXPECT_LT(tiled.host_bytes, pictures + pictures / 4);
}

TEST_F(LatentDecoderTest, TakesLessTheSmallerItIs) {
  const LatentDecoder full;
  const LatentDecoder light(component("lightvaew2_1.pth"), "auto");
  const LatentDecoder tae(component("taew2_1.pth"), "auto");
  const auto footprint = [](const LatentDecoder& decoder) {
    return decoder.footprint(k480p, DType::kF16, 1);
  };
  const auto bytes = [&](const LatentDecoder& decoder) {
    const LatentDecoder::Footprint takes = footprint(decoder);
    uint64_t sum = memory::stack_layout(takes.forward).bytes;
    for (const memory::TaggedBytes& held : takes.held) sum += held.bytes;
    return sum;
  };

  EXPECT_LT(3 * bytes(light), bytes(full));
  EXPECT_LT(bytes(tae), bytes(light));
  EXPECT_LT(10 * footprint(light).work.conv_ops, footprint(full).work.conv_ops);
  EXPECT_LT(footprint(tae).work.conv_ops, footprint(light).work.conv_ops);
  EXPECT_EQ(tae.most_strips(k480p), 1);
  EXPECT_EQ(light.most_strips(k480p), full.most_strips(k480p));
}

}  // namespace
}  // namespace reel::pipeline
