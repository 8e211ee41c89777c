// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reel {
namespace {

using nlohmann::json;

// To text and back, as a job file is.
template <typename T>
T stored(const T& value) {
  return json::parse(json(value).dump()).template get<T>();
}

TEST(RequestJson, KeepsEveryFieldOfARequest) {
  VideoRequest request;
  request.prompt = "a \u2603";
  request.negative_prompt = "fog";
  request.out = "clip.mp4";
  request.overwrite = true;
  request.fps = 24;
  request.quality = 3;
  request.write_recipe = false;
  request.frames_only = true;
  request.preview_dir = "seen";
  request.sampling.seed = ~uint64_t{0};
  request.sampling.frames = 5;
  request.sampling.timesteps = {1000, 500};
  request.sampling.guidance = 2.5f;

  const VideoRequest kept = stored(request);

  EXPECT_EQ(json(kept), json(request));
  EXPECT_EQ(kept.prompt, request.prompt);
  EXPECT_EQ(kept.sampling.seed, request.sampling.seed);
  EXPECT_EQ(kept.sampling.timesteps, request.sampling.timesteps);
  EXPECT_FALSE(kept.sampling.width_px.has_value());
  EXPECT_FALSE(kept.write_recipe);
  EXPECT_TRUE(kept.frames_only);
  EXPECT_EQ(kept.preview_dir, "seen");
}

TEST(RequestJson, KeepsPathsThatAreNotUtf8) {
  ModelOptions options;
  options.model = "mod\xe8le";
  options.vae = "plain.pth";
  options.threads = 3;
  options.vae_tiling = "blended";
  options.loras = {{.path = "m\xe9ga.safetensors", .strength = -0.25f}, {.path = "b.pth"}};
  VideoRequest request;
  request.out = "out/cl\xefp.mp4";

  EXPECT_EQ(stored(options).model, options.model);
  EXPECT_EQ(stored(options).vae, options.vae);
  EXPECT_EQ(stored(options).threads, 3);
  EXPECT_EQ(stored(options).vae_tiling, "blended");
  ASSERT_EQ(stored(options).loras.size(), 2u);
  EXPECT_EQ(stored(options).loras[0].path, options.loras[0].path);
  EXPECT_EQ(stored(options).loras[0].strength, -0.25f);
  EXPECT_EQ(stored(options).loras[1].strength, 1);
  EXPECT_EQ(stored(request).out, request.out);
}

TEST(RequestJson, WhatIsLeftOutKeepsItsDefault) {
  const auto options = json::parse("{}").get<ModelOptions>();

  EXPECT_EQ(options.precision, "auto");
  EXPECT_EQ(options.device, "auto");
  EXPECT_TRUE(options.loras.empty());
}

}  // namespace
}  // namespace reel
