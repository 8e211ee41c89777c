// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/layers.h"

#include <gmock/gmock.h>

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;
using testing::ElementsAre;
using testing::IsEmpty;

Layers layers(const char* config) {
  return {.flags = {{"model_cls", {"wan2.1_distill", "--model_cls"}},
                    {"model_path", {"models/a", "--model_path"}}},
          .config = parse_config(config, "my.json"),
          .sets = {},
          .model_config = {}};
}

TEST(Layers, TheConfigStandsAboveTheFlagsAndSaysSo) {
  const Assembled assembled = assemble(layers(R"({"model_cls": "wan2.1", "infer_steps": 4})"));

  EXPECT_EQ(assembled.settings.at("model_cls").value, "wan2.1");
  EXPECT_EQ(assembled.settings.at("model_path").value, "models/a");
  EXPECT_THAT(assembled.notes,
              ElementsAre("my.json stands above --model_cls and replaces its model_cls."));
}

TEST(Layers, TheSameValueTwiceIsNoNews) {
  EXPECT_THAT(assemble(layers(R"({"model_cls": "wan2.1_distill"})")).notes, IsEmpty());
}

TEST(Layers, TheModelsConfigStandsAboveTheUsersInWhatDecidesSomething) {
  Layers given = layers(R"({"sample_shift": 5, "dim": 1, "rope_type": "a"})");
  given.model_config = [](const std::string& folder) -> std::optional<Layer> {
    EXPECT_EQ(folder, "models/a");
    return Layer{json::parse(R"({"sample_shift": 3, "dim": 5120, "rope_type": "b",
                                 "model_path": "elsewhere"})"),
                 "models/a/config.json"};
  };

  const Assembled assembled = assemble(given);

  EXPECT_EQ(assembled.settings.at("sample_shift").value, 3);
  EXPECT_EQ(assembled.settings.at("dim").value, 1);
  EXPECT_EQ(assembled.settings.at("rope_type").value, "a");
  EXPECT_EQ(assembled.settings.at("model_path").value, "models/a");
  EXPECT_THAT(assembled.notes,
              ElementsAre("models/a/config.json stands above my.json and replaces its "
                          "sample_shift."));
}

TEST(Layers, TheConfigOfAQuantisedFolderStandsAboveThatOfTheModel) {
  Layers given = layers(R"({"dit_quantized_ckpt": "models/q"})");
  given.model_config = [](const std::string& folder) -> std::optional<Layer> {
    return Layer{{{"sample_shift", folder == "models/q" ? 7 : 3}}, folder};
  };

  EXPECT_EQ(assemble(given).settings.at("sample_shift").value, 7);
}

TEST(Layers, SetStandsAboveEverything) {
  Layers given = layers(R"({"sample_shift": 5})");
  given.model_config = [](const std::string& folder) -> std::optional<Layer> {
    EXPECT_EQ(folder, "models/b");
    return Layer{{{"sample_shift", 3}}, "config.json"};
  };
  given.sets = {"sample_shift=8", "denoising_step_list=[1000, 500]", "dit_quant_scheme=fp8-sgl",
                "enable_cfg=true", "model_path=models/b"};

  const Settings settings = assemble(given).settings;

  EXPECT_EQ(settings.at("sample_shift").value, 8);
  EXPECT_EQ(settings.at("denoising_step_list").value, json::parse("[1000, 500]"));
  EXPECT_EQ(settings.at("dit_quant_scheme").value, "fp8-sgl");
  EXPECT_EQ(settings.at("enable_cfg").value, true);
}

TEST(Layers, ASetThatIsNoneIsRefused) {
  for (const char* set : {"sample_shift", "=5", "sample_shit=5", ""}) {
    Layers given = layers("{}");
    given.sets = {set};
    EXPECT_EQ(error_of([&] { assemble(given); }).code(), ErrorCode::kInvalidArgument) << set;
  }
}

TEST(Layers, WhatIsNoConfigIsRefused) {
  const std::string deep(100000, '[');
  for (const std::string& text :
       {std::string(), std::string("{\"a\": 1,}"), std::string("// x\n{}"),
        std::string("{\"a\": NaN}"), std::string("{\"a\": \"\xff\"}"), deep}) {
    const Error error = error_of([&] { parse_config(text, "my.json"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
    EXPECT_TRUE(contains(error.what(), "my.json is no JSON")) << error.what();
  }
  const std::string closed = "{\"infer_steps\":" + deep + std::string(deep.size(), ']') + '}';
  const Error error = error_of([&] { parse_config(closed, "my.json"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadFile);
  EXPECT_TRUE(contains(error.what(), "my.json nests its values more than 64 deep")) << error.what();
  for (const char* text : {"[]", "5", "\"a\"", "null"}) {
    EXPECT_EQ(error_of([&] { parse_config(text, "my.json"); }).code(), ErrorCode::kBadFile);
  }
}

TEST(Layers, TheLastOfTwoEqualKeysCounts) {
  EXPECT_EQ(parse_config(R"({"fps": 16, "fps": 24})", "my.json").values.at("fps"), 24);
}

}  // namespace
}  // namespace reel::compat::lightx2v
