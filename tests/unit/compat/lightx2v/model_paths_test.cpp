// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/model_paths.h"

#include <gmock/gmock.h>

#include <set>

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;

constexpr const char* kWanted = "lightx2v/Wan2.1-Distill-Models/fp8_4step.safetensors";

ModelPaths find(const char* config, const std::set<std::string>& there = {}) {
  Settings settings{{"model_path", {"models/wan", "--model_path"}}};
  const json values = json::parse(config);
  for (const auto& [key, value] : values.items()) settings[key] = {value, "my.json"};
  return find_paths(
      settings, [&](const std::filesystem::path& path) { return there.contains(path.string()); });
}

TEST(ModelPaths, TheSchemeChoosesTheVariant) {
  struct Row {
    const char *config, *variant;
    bool prefers_bf16;
  };
  const Row rows[] = {
      {R"({})", "", true},
      {R"({"dit_quantized": false})", "", true},
      {R"({"dit_quantized": false, "dit_quant_scheme": "Default"})", "", true},
      {R"({"dit_quantized": true})", "", false},
      {R"({"dit_quantized": true, "dit_quant_scheme": "fp8-sgl"})", "fp8", false},
      {R"({"dit_quant_scheme": "fp8-vllm"})", "fp8", false},
      {R"({"dit_quantized": true, "dit_quant_scheme": "int8-torchao"})", "int8", false},
      {R"({"dit_quantized": true, "dit_quant_scheme": "gguf-Q4_K_M"})", "", false},
      {R"({"mm_config": {"mm_type": "W-int8-channel-sym-A-int8-channel-sym-dynamic-Vllm"}})",
       "int8", false},
      {R"({"mm_config": {}})", "", true},
  };
  for (const Row& row : rows) {
    const ModelPaths paths = find(row.config);
    EXPECT_EQ(paths.model.variant, row.variant) << row.config;
    EXPECT_EQ(paths.prefers_bf16, row.prefers_bf16) << row.config;
    EXPECT_EQ(paths.model.model, "models/wan");
  }
}

TEST(ModelPaths, EverySchemeSaysOnceWhatRunsInstead) {
  for (const auto names : {fp8_scheme_names(), int8_scheme_names(), gguf_scheme_names()}) {
    for (const auto name : names) {
      const json config{{"dit_quantized", true}, {"dit_quant_scheme", name}};
      const auto notes = find(config.dump().c_str()).notes;
      ASSERT_EQ(notes.size(), 1u) << name;
      EXPECT_TRUE(contains(notes[0], std::string(name) + "\": Reel's own")) << notes[0];
    }
  }
}

TEST(ModelPaths, QuantisedAtLoadIsAPrecisionOfBf16Weights) {
  const ModelPaths paths = find(
      R"({"weight_auto_quant": true, "dit_quantized": true, "dit_quant_scheme": "int8-vllm"})");

  EXPECT_EQ(paths.model.precision, "int8");
  EXPECT_EQ(paths.model.variant, "");
  EXPECT_TRUE(paths.prefers_bf16);
}

TEST(ModelPaths, ContradictionsAreRefused) {
  struct Row {
    const char *config, *words;
  };
  const Row rows[] = {
      {R"({"dit_quantized": false, "dit_quant_scheme": "fp8-sgl"})", "dit_quantized is not true"},
      {R"({"dit_quantized": true, "dit_quant_scheme": "Default"})", "but dit_quantized is true"},
      {R"({"dit_quantized": true, "weight_auto_quant": true})", "no scheme"},
      {R"({"mm_config": {"mm_type": 5}})", "a text in quotes is needed"},
      {R"({"model_path": ""})", "--model_path is needed"},
  };
  for (const Row& row : rows) {
    const Error error = error_of([&] { find(row.config); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << row.config;
    EXPECT_TRUE(contains(error.what(), row.words)) << error.what();
  }
}

TEST(ModelPaths, ACheckpointIsFoundWhereADownloadPutsIt) {
  const json config{{"dit_quantized", true}, {"dit_quantized_ckpt", kWanted}};
  for (const std::string& place :
       {std::string(kWanted), "models/wan/" + std::string(kWanted),
        std::string("models/wan/fp8_4step.safetensors"),
        std::string("models/fp8_4step.safetensors"), "models/" + std::string(kWanted)}) {
    const ModelPaths paths = find(config.dump().c_str(), {place, "models/wan"});
    EXPECT_EQ(paths.model.model, place);
    EXPECT_EQ(paths.absent_checkpoint, "");
    const bool lies_beside_the_rest = place == "models/wan/fp8_4step.safetensors";
    for (const std::string& part :
         {paths.model.text_encoder, paths.model.vae, paths.model.tokenizer}) {
      EXPECT_EQ(part, lies_beside_the_rest ? "" : "models/wan") << place;
    }
  }
}

TEST(ModelPaths, AnAbsentCheckpointIsToldToTheCaller) {
  const ModelPaths paths = find(R"({"dit_original_ckpt": "x/y.safetensors"})");

  EXPECT_EQ(paths.model.model, "models/wan");
  EXPECT_EQ(paths.absent_checkpoint, "dit_original_ckpt (my.json) is \"x/y.safetensors\"");
}

TEST(ModelPaths, LorasAreListedInOrder) {
  const auto loras = find(R"({"lora_configs": [{"path": "a.safetensors", "strength": 0.5},
                                               {"path": "b.safetensors", "name": "b"}]})")
                         .model.loras;

  ASSERT_EQ(loras.size(), 2u);
  EXPECT_EQ(loras[0].path, "a.safetensors");
  EXPECT_EQ(loras[0].strength, 0.5f);
  EXPECT_EQ(loras[1].path, "b.safetensors");
  EXPECT_EQ(loras[1].strength, 1.0f);
  EXPECT_TRUE(find(R"({"lora_configs": []})").model.loras.empty());
  for (const char* wrong :
       {R"({"lora_configs": "a"})", R"({"lora_configs": ["a"]})",
        R"({"lora_configs": [{"strength": 1}]})", R"({"lora_configs": [{"path": 1}]})",
        R"({"lora_configs": [{"path": "a", "strength": "full"}]})"}) {
    EXPECT_EQ(error_of([&] { find(wrong); }).code(), ErrorCode::kInvalidArgument) << wrong;
  }
}

TEST(ModelPaths, TheOtherPartsAreFoundWhereADownloadPutsThem) {
  const char* config = R"({"lora_configs": [{"path": "lab/loras/a.safetensors"}],
      "t5_quantized": true, "t5_quantized_ckpt": "t5.pth", "t5_tokenizer_path": "google/umt5-xxl"})";
  for (const std::string& lora :
       {std::string("lab/loras/a.safetensors"), std::string("models/wan/a.safetensors"),
        std::string("models/lab/loras/a.safetensors")}) {
    const ModelPaths paths =
        find(config, {lora, "models/wan/t5.pth", "models/wan/google/umt5-xxl"});
    ASSERT_EQ(paths.model.loras.size(), 1u);
    EXPECT_EQ(paths.model.loras[0].path, lora);
    EXPECT_EQ(paths.model.text_encoder, "models/wan/t5.pth");
    EXPECT_EQ(paths.model.tokenizer, "models/wan/google/umt5-xxl");
  }
}

TEST(ModelPaths, TheOtherPartsAreTakenAsGiven) {
  const ModelPaths paths = find(R"({"t5_quantized": true, "t5_quant_scheme": "fp8-q8f",
      "t5_quantized_ckpt": "a.pth", "t5_original_ckpt": "b.pth", "vae_path": "v.pth",
      "t5_tokenizer_path": "google/umt5-xxl"})");

  EXPECT_EQ(paths.model.text_encoder, "a.pth");
  EXPECT_EQ(paths.text_encoder_precision, "fp8");
  EXPECT_EQ(paths.model.vae, "v.pth");
  EXPECT_EQ(paths.model.tokenizer, "google/umt5-xxl");
  EXPECT_THAT(paths.notes, testing::ElementsAre(testing::HasSubstr("t5_quant_scheme (my.json)")));
  EXPECT_EQ(find(R"({"t5_original_ckpt": "b.pth"})").model.text_encoder, "b.pth");
  EXPECT_EQ(find("{}").text_encoder_precision, "bf16");
  EXPECT_EQ(find(R"({"t5_quantized": true})").text_encoder_precision, "");
}

}  // namespace
}  // namespace reel::compat::lightx2v
