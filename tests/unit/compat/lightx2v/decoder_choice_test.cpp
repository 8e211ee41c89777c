// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/decoder_choice.h"

#include <gtest/gtest.h>

#include <set>

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;

ModelPaths choose(const char* config, const std::set<std::string>& there = {}) {
  Settings settings;
  const json values = json::parse(config);
  for (const auto& [key, value] : values.items()) settings[key] = {value, "my.json"};
  ModelPaths paths;
  paths.model_path = "m";
  choose_decoder(
      settings, [&](const std::filesystem::path& path) { return there.contains(path.string()); },
      paths);
  return paths;
}

TEST(DecoderChoice, LeavesTheVaeToTheModelWhereNothingIsAsked) {
  for (const char* config : {"{}", R"({"use_tae": false, "use_lightvae": 0, "tae_path": "t.pth"})",
                             R"({"vae_path": "", "vae_name": ""})"}) {
    const ModelPaths paths = choose(config, {"m/taew2_1.pth", "m/lightvaew2_1.pth"});
    EXPECT_EQ(paths.model.vae, "") << config;
    EXPECT_EQ(paths.decoder, "") << config;
    EXPECT_EQ(paths.model.tae_latents, "auto") << config;
  }
}

TEST(DecoderChoice, TakesTheFilesThatAreNamedAsTheyAre) {
  EXPECT_EQ(choose(R"({"vae_path": "v.pth"})").model.vae, "v.pth");
  const ModelPaths light = choose(R"({"use_lightvae": true, "vae_path": "l.pth"})");
  EXPECT_EQ(light.model.vae, "l.pth");
  EXPECT_EQ(light.decoder, "light VAE");
  // A TAE stands above the rest.
  const ModelPaths tae = choose(
      R"({"use_lightvae": true, "use_tae": true, "vae_path": "l.pth", "tae_path": "t.pth"})");
  EXPECT_EQ(tae.model.vae, "t.pth");
  EXPECT_EQ(tae.decoder, "TAE");
}

TEST(DecoderChoice, FindsFilesWhereLightX2VLooksAndInItsOrder) {
  EXPECT_EQ(choose(R"({"use_tae": true})", {"m/taew2_1.pth", "m/fp8/taew2_1.pth"}).model.vae,
            "m/fp8/taew2_1.pth");
  EXPECT_EQ(choose(R"({"use_tae": true})", {"m/distill_fp8/lighttaew2_1.safetensors"}).model.vae,
            "m/distill_fp8/lighttaew2_1.safetensors");
  EXPECT_EQ(choose(R"({"use_lightvae": true})", {"m/original/lightvaew2_1.pth"}).model.vae,
            "m/original/lightvaew2_1.pth");
  EXPECT_EQ(choose(R"({"vae_name": "my.pth"})", {"m/distill_models/my.pth"}).model.vae,
            "m/distill_models/my.pth");
}

TEST(DecoderChoice, NeedScaledSaysWhichLatentsATaeTakes) {
  const auto latents = [](const char* config) { return choose(config).model.tae_latents; };
  EXPECT_EQ(latents(R"({"use_tae": true, "tae_path": "t.pth"})"), "auto");
  EXPECT_EQ(latents(R"({"use_tae": true, "tae_path": "t.pth", "need_scaled": true})"), "vae");
  EXPECT_EQ(latents(R"({"use_tae": true, "tae_path": "t.pth", "need_scaled": false})"),
            "diffusion");
}

TEST(DecoderChoice, TilesAreTheVaes) {
  const auto tiling = [](const char* config) { return choose(config).model.vae_tiling; };
  EXPECT_EQ(tiling(R"({"use_tiling_vae": true})"), "blended");
  EXPECT_EQ(tiling(R"({"use_tiling_vae": 1, "use_lightvae": true, "vae_path": "l"})"), "blended");
  EXPECT_EQ(tiling(R"({"use_tiling_vae": false})"), "");
  EXPECT_EQ(tiling(R"({"use_tiling_vae": null})"), "");

  const ModelPaths tae =
      choose(R"({"use_tiling_vae": true, "use_tae": true, "tae_path": "t.pth"})");
  EXPECT_EQ(tae.model.vae_tiling, "");
  EXPECT_EQ(tae.notes, std::vector<std::string>{"use_tiling_vae has no effect with use_tae."});
}

TEST(DecoderChoice, SaysWhatIsNotThere) {
  const struct Row {
    const char *config, *words;
  } kRows[] = {
      {R"({"use_tae": true})", "use_tae (my.json) is true, but there is no taew2_1.pth in m."},
      {R"({"use_lightvae": true})", "but there is no lightvaew2_1.pth in m."},
      {R"({"vae_name": "my.pth"})", "but there is no my.pth in m."},
  };
  for (const Row& row : kRows) {
    const Error error = error_of([&] { choose(row.config); });
    EXPECT_EQ(error.code(), ErrorCode::kNotFound) << row.config;
    EXPECT_TRUE(contains(error.what(), row.words)) << error.what();
    EXPECT_FALSE(error.hint().empty()) << row.config;
  }
}

}  // namespace
}  // namespace reel::compat::lightx2v
