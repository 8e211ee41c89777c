// SPDX-License-Identifier: Apache-2.0
// What a TAE's decoder does beside its arithmetic, which tests/golden compares.
#include "models/tae/decoder.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/backend.h"
#include "models/tae/frame_decoder.h"
#include "models/tae/weights.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "unit/models/random_tae.h"

namespace reel::tae {
namespace {

using test::random_tensor;
using test::RandomTae;

const Config kSmall{.channels = {8, 12, 4, 5}};

// The first `frames` of latents [16, all, rows, cols].
Tensor first_frames(const Tensor& latents, int64_t frames) {
  const Shape& shape = latents.shape();
  Tensor first(DType::kF32, {shape[0], frames, shape[2], shape[3]});
  const int64_t pixels = shape[2] * shape[3];
  for (int64_t channel = 0; channel < shape[0]; ++channel) {
    std::memcpy(first.view().as<float>() + channel * frames * pixels,
                latents.view().as<float>() + channel * shape[1] * pixels,
                static_cast<size_t>(frames * pixels) * sizeof(float));
  }
  return first;
}

bool begins_with(const Tensor& whole, const Tensor& part) {
  return std::memcmp(whole.bytes().data(), part.bytes().data(), part.bytes().size()) == 0;
}

TEST(TaeDecoder, MakesAFrameOfWhatCameBeforeAlone) {
  const RandomTae tae(cpu::reference_kernels(), DType::kF32, kSmall);
  const Tensor latents = random_tensor({16, 3, 3, 2}, DType::kF32, 5, -2, 2);

  const Tensor whole = tae.decode(latents);

  EXPECT_TRUE(begins_with(whole, tae.decode(first_frames(latents, 1))));
  EXPECT_TRUE(begins_with(whole, tae.decode(first_frames(latents, 2))));
  // And of that: the second latent frame alone gives other frames.
  EXPECT_FALSE(begins_with(whole, tae.decode(random_tensor({16, 1, 3, 2}, DType::kF32, 6))));
}

TEST(TaeDecoder, TakesTheLatentsThatItIsFor) {
  const RandomTae tae(cpu::reference_kernels(), DType::kF32, kSmall);
  Config of_vae = kSmall;
  Tensor latents = random_tensor({16, 2, 2, 2}, DType::kF32, 5);
  Tensor scaled = test::copy_of(latents.view());
  for (size_t channel = 0; channel < of_vae.scale.size(); ++channel) {
    of_vae.scale[channel] = 1.0f + 0.25f * static_cast<float>(channel);
    of_vae.shift[channel] = 0.5f - 0.125f * static_cast<float>(channel);
    for (size_t at = 8 * channel; at < 8 * channel + 8; ++at) {
      scaled.values<float>()[at] =
          latents.values<float>()[at] * of_vae.scale[channel] + of_vae.shift[channel];
    }
  }

  const Tensor frames = tae.decode(latents, of_vae);

  EXPECT_LT(test::relative_error(frames, tae.decode(scaled)), 1e-6);
  EXPECT_GT(test::relative_error(frames, tae.decode(latents)), 1e-2);
}

// Large latents, of which nothing but a sign is left.
TEST(TaeDecoder, SqueezesLatents) {
  const RandomTae tae(cpu::reference_kernels(), DType::kF32, kSmall);
  const Tensor large = random_tensor({16, 1, 2, 2}, DType::kF32, 5, 500, 900);
  const Tensor larger = random_tensor({16, 1, 2, 2}, DType::kF32, 6, 1000, 2000);

  EXPECT_LT(test::relative_error(tae.decode(large), tae.decode(larger)), 1e-6);
}

TEST(TaeDecoder, UsesTheLastOfTheFramesThatTheFirstLevelWasTrainedToMake) {
  Config doubling = kSmall;
  doubling.first_grow = 2;
  const RandomTae tae(cpu::reference_kernels(), DType::kF32, doubling);

  const DecoderWeights weights = bind_decoder(doubling, tae.weights());

  const std::vector<ConvView>& grow = weights.levels[0].grow;
  ASSERT_EQ(grow.size(), 1u);
  EXPECT_EQ(grow[0].data, tae.weights().conv("decoder.7.conv.weight", 1).data);
  EXPECT_NE(grow[0].data, tae.weights().conv("decoder.7.conv.weight", 0).data);
  EXPECT_EQ(weights.levels[1].grow.size(), 2u);
}

TEST(TaeDecoder, SaysWhichLatentsItNeeds) {
  const RandomTae tae(cpu::reference_kernels(), DType::kF32, kSmall);
  EXPECT_REEL_ERROR(tae.decode(Tensor(DType::kF32, {12, 1, 2, 2})), kInvalidArgument,
                    "The latents are f32 [12, 1, 2, 2]; f32 [16, frames, rows, cols] is needed.");
}

TEST(TaeDecoder, StopsWhenAsked) {
  RandomTae tae(cpu::reference_kernels(), DType::kF32, kSmall);
  tae.stop().request();
  EXPECT_REEL_ERROR(tae.decode(random_tensor({16, 1, 1, 1}, DType::kF32, 5)), kCancelled,
                    "Stopped");
}

TEST(BlockInputs, HasNoPastBeforeTheSecondInput) {
  BlockInputs inputs(host_memory(), DType::kF32, {1, 1, 2});
  const Frame first = inputs.next();
  EXPECT_EQ(inputs.now().data, first.data);
  EXPECT_EQ(inputs.past().data, nullptr);

  const Frame second = inputs.next();
  EXPECT_EQ(inputs.now().data, second.data);
  EXPECT_EQ(inputs.past().data, first.data);

  const Frame third = inputs.next();
  EXPECT_EQ(inputs.now().data, third.data);
  EXPECT_EQ(inputs.past().data, second.data);
}

}  // namespace
}  // namespace reel::tae
