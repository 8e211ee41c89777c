// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/map_request.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "compat/lightx2v/layers.h"
#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

MappedRun mapped(const std::string& config, const RequestFlags& flags = {},
                 const char* model_cls = "wan2.1_distill") {
  const Layers layers{.flags = {{"model_cls", {model_cls, "--model_cls"}},
                                {"model_path", {"models/wan", "--model_path"}}},
                      .config = parse_config(config, "my.json"),
                      .sets = {},
                      .model_config = {}};
  return map_request(assemble(layers).settings, flags,
                     [](const std::filesystem::path&) { return false; });
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The keys and values that LightX2V ships, in its order.
constexpr const char* kShippedFp8 = R"({
  "infer_steps": 4, "target_video_length": 81, "text_len": 512, "target_height": 480,
  "target_width": 832, "self_attn_1_type": "flash_attn3", "cross_attn_1_type": "flash_attn3",
  "cross_attn_2_type": "flash_attn3", "sample_guide_scale": 6, "sample_shift": 5,
  "enable_cfg": false, "cpu_offload": false, "offload_granularity": "model",
  "denoising_step_list": [1000, 750, 500, 250], "dit_quantized": true,
  "dit_quantized_ckpt":
    "lightx2v/Wan2.1-Distill-Models/wan2.1_t2v_14b_scaled_fp8_e4m3_lightx2v_4step.safetensors",
  "dit_quant_scheme": "fp8-sgl"})";

TEST(MapRequest, TheShippedConfigIsTheFourStepClip) {
  const MappedRun run = mapped(kShippedFp8);
  const SamplingOptions& sampling = run.request.sampling;

  EXPECT_EQ(sampling.seed, 42u);
  EXPECT_EQ(sampling.timesteps, (std::vector{1000, 750, 500, 250}));
  EXPECT_EQ(sampling.shift, 5.0f);
  EXPECT_EQ(sampling.guidance, 1.0f);
  EXPECT_EQ(sampling.width_px, 832);
  EXPECT_EQ(sampling.height_px, 480);
  EXPECT_EQ(sampling.frames, 81);
  EXPECT_EQ(sampling.sampler, "");
  EXPECT_EQ(run.model.checkpoint_kind, "distilled");
  EXPECT_EQ(run.model.variant, "fp8");
  EXPECT_THAT(run.notes, Contains(HasSubstr("streamed to it, although cpu_offload is false")));
  EXPECT_THAT(run.notes, Contains("flash_attn3: Reel's own attention runs instead."));
  EXPECT_THAT(run.notes, Contains("Without effect here: cross_attn_2_type."));
  EXPECT_THAT(run.notes, Contains(HasSubstr("sample_guide_scale 6 has no effect")));
}

TEST(MapRequest, OurConfigsCarryTheSameValues) {
  for (const char* name :
       {"wan21/wan_t2v_distill_fp8_4step_cfg", "wan21/wan_t2v_distill_model_4step_cfg",
        "wan_t2v_distill_4step_cfg", "wan21/wan_t2v_distill_int8_4step_cfg",
        "wan21/wan_t2v_distill_fp8_4step_12gb_block_offload"}) {
    const MappedRun run =
        mapped(text_of_file(std::string(REEL_CONFIGS) + "/distill/" + name + ".json"));
    const SamplingOptions& sampling = run.request.sampling;
    EXPECT_EQ(sampling.timesteps, (std::vector{1000, 750, 500, 250})) << name;
    EXPECT_EQ(sampling.shift, 5.0f) << name;
    EXPECT_EQ(sampling.guidance, 1.0f) << name;
    EXPECT_EQ(sampling.width_px, 832) << name;
    EXPECT_EQ(sampling.frames, 81) << name;
    EXPECT_THAT(run.notes, Not(Contains(HasSubstr("Not known")))) << name;
    EXPECT_THAT(run.notes, Not(Contains(HasSubstr("Left out")))) << name;
  }
  const json ours = json::parse(text_of_file(std::string(REEL_CONFIGS) +
                                             "/distill/wan21/wan_t2v_distill_fp8_4step_cfg.json"));
  EXPECT_EQ(ours, json::parse(kShippedFp8));
}

// What a setting comes to, and one of the sentences about it.
struct Row {
  const char* config;
  std::optional<int> steps;
  size_t listed;
  std::optional<float> guidance, shift;
  const char* note;
};

TEST(MapRequest, PartialAndOddSettingsHaveOneResultEach) {
  const Row rows[] = {
      // Nothing but defaults of the distilled model.
      {R"({})",
       {},
       0,
       {},
       {},
       "size, target_video_length, infer_steps, denoising_step_list, sample_shift, enable_cfg."},
      {R"({"infer_steps": 4})",
       4,
       0,
       {},
       {},
       "target_video_length, denoising_step_list, sample_shift"},
      {R"({"num_inference_steps": 6})", 6, 0, {}, {}, "denoising_step_list"},
      {R"({"infer_steps": 40})", 40, 0, {}, {}, "denoising_step_list"},
      {R"({"infer_steps": 40, "denoising_step_list": [1000, 500]})",
       {},
       2,
       {},
       {},
       "infer_steps 40 has no effect: denoising_step_list has 2 steps."},
      {R"({"infer_steps": null, "denoising_step_list": [1000]})", {}, 1, {}, {}, "Left out"},
      // Guidance, left out or set.
      {R"({"enable_cfg": true})", {}, 0, {}, {}, "sample_guide_scale is left out"},
      {R"({"enable_cfg": true, "sample_guide_scale": 6})", {}, 0, 6.0f, {}, "Left out"},
      {R"({"enable_cfg": false, "sample_guide_scale": 6})",
       {},
       0,
       1.0f,
       {},
       "sample_guide_scale 6 has no effect without enable_cfg"},
      {R"({"enable_cfg": false})", {}, 0, 1.0f, {}, "Left out"},
      {R"({"sample_guide_scale": 5})",
       {},
       0,
       1.0f,
       {},
       "sample_guide_scale 5 has no effect without enable_cfg"},
      {R"({"sample_shift": 8})", {}, 0, {}, 8.0f, "infer_steps"},
  };
  for (const Row& row : rows) {
    const MappedRun run = mapped(row.config);
    const SamplingOptions& sampling = run.request.sampling;
    EXPECT_EQ(sampling.steps, row.steps) << row.config;
    EXPECT_EQ(sampling.timesteps.size(), row.listed) << row.config;
    EXPECT_EQ(sampling.guidance, row.guidance) << row.config;
    EXPECT_EQ(sampling.shift, row.shift) << row.config;
    EXPECT_THAT(run.notes, Contains(HasSubstr(row.note))) << row.config;
    EXPECT_EQ(run.model.checkpoint_kind, "distilled") << row.config;
  }
}

TEST(MapRequest, ClassWan21LeavesTheKindToTheFilesUnlessTheSettingsSay) {
  EXPECT_EQ(mapped("{}", {}, "wan2.1").model.checkpoint_kind, "");
  EXPECT_EQ(mapped(R"({"infer_steps": 40})", {}, "wan2.1").model.checkpoint_kind, "");
  EXPECT_EQ(mapped(R"({"denoising_step_list": [1000]})", {}, "wan2.1").model.checkpoint_kind,
            "distilled");
  EXPECT_EQ(mapped(R"({"distill_method": "dmd2"})", {}, "wan2.1").model.checkpoint_kind,
            "distilled");
  EXPECT_THAT(mapped("{}", {}, "wan2.1").notes, Contains(HasSubstr("its files decide")));
}

TEST(MapRequest, SizeAndLengthComeFromOneOfTheirNames) {
  EXPECT_EQ(mapped(R"({"size": [480, 832]})").request.sampling.width_px, 832);
  EXPECT_EQ(mapped(R"({"size": [480, 832]})").request.sampling.height_px, 480);
  EXPECT_EQ(mapped(R"({"num_frames": 49})").request.sampling.frames, 49);
  EXPECT_EQ(mapped(R"({"fps": 24})").request.fps, 24);
  RequestFlags flags;
  flags.target_shape = {64, 32};
  flags.num_frames = 49;
  const MappedRun run = mapped(kShippedFp8, flags);
  EXPECT_EQ(run.request.sampling.height_px, 64);
  EXPECT_EQ(run.request.sampling.width_px, 32);
  EXPECT_EQ(run.request.sampling.frames, 81);
  EXPECT_THAT(run.notes, Contains(HasSubstr("--set target_video_length=49")));
  EXPECT_EQ(mapped("{}", flags).request.sampling.frames, 49);
}

TEST(MapRequest, TheNegativePromptIsNamedWhereItIsNotRead) {
  RequestFlags flags;
  flags.negative_prompt = "blur";
  EXPECT_THAT(mapped(kShippedFp8, flags).notes, Contains(HasSubstr("--negative_prompt")));
  EXPECT_THAT(mapped(R"({"enable_cfg": true, "sample_guide_scale": 6})", flags).notes,
              Not(Contains(HasSubstr("--negative_prompt"))));
}

TEST(MapRequest, OnlyAnotherSeedOfTheConfigIsNamed) {
  RequestFlags flags;
  EXPECT_THAT(mapped(R"({"seed": 42})", flags).notes, Not(Contains(HasSubstr("seed"))));
  flags.seed = 7;
  EXPECT_THAT(mapped(R"({"seed": 42})", flags).notes, Contains("Without effect here: seed."));
}

TEST(MapRequest, KeysWithoutEffectAreNamedOnceInOneSentence) {
  RequestFlags flags;
  flags.without_effect = {"--warmup"};

  const auto notes =
      mapped(R"({"rope_type": "x", "modulate_type": "y", "infer_stepz": 4, "_comment": 1})", flags)
          .notes;

  EXPECT_THAT(notes, Contains("Without effect here: --warmup, modulate_type, rope_type."));
  EXPECT_THAT(notes,
              Contains(HasSubstr("Not known to Reel, and without effect: \"infer_stepz\".")));
}

TEST(MapRequest, EveryDenseAttentionIsNamedOnce) {
  for (const auto name : dense_attention_names()) {
    const json config{{"self_attn_1_type", name}, {"cross_attn_1_type", name}};
    EXPECT_THAT(mapped(config.dump()).notes,
                Contains(std::string(name) + ": Reel's own attention runs instead.").Times(1));
  }
}

TEST(MapRequest, WhatCannotBeIsRefused) {
  struct Refused {
    const char* config;
    ErrorCode code;
    const char* words;
  };
  const Refused rows[] = {
      {R"({"model_cls": "wan2.2_moe_distill"})", ErrorCode::kUnsupported,
       "wan2.1_distill or wan2.1"},
      {R"({"model_cls": "wan2.1_mean_flow_distill"})", ErrorCode::kUnsupported, "mean_flow"},
      {R"({"task": "i2v"})", ErrorCode::kUnsupported, "from text alone"},
      {R"({"distill_method": "mean_flow"})", ErrorCode::kUnsupported, "dmd2"},
      {R"({"self_attn_1_type": "svg_attn"})", ErrorCode::kUnsupported, "leaves tokens out"},
      {R"({"cross_attn_1_type": "ulysses"})", ErrorCode::kUnsupported, "several GPUs"},
      {R"({"self_attn_1_type": "flash"})", ErrorCode::kInvalidArgument, "dense attention"},
      {R"({"dit_quantized": true, "dit_quant_scheme": "nvfp4"})", ErrorCode::kUnsupported, "nvfp4"},
      {R"({"feature_caching": "Tea"})", ErrorCode::kUnsupported, "feature_caching"},
      {R"({"use_tae": true})", ErrorCode::kNotFound, "there is no taew2_1.pth"},
      {R"({"text_len": 256})", ErrorCode::kUnsupported, "text_len"},
      {R"({"infer_steps": "four"})", ErrorCode::kInvalidArgument,
       "infer_steps (my.json) is \"four\""},
      {R"({"size": [832]})", ErrorCode::kInvalidArgument, "height and width"},
      {R"({"num_frames": 49, "target_video_length": 81})", ErrorCode::kInvalidArgument,
       "mean the same"},
  };
  for (const Refused& row : rows) {
    const Error error = error_of([&] { mapped(row.config); });
    EXPECT_EQ(error.code(), row.code) << row.config;
    EXPECT_TRUE(contains(error.what(), row.words)) << error.what();
    EXPECT_FALSE(error.hint().empty()) << row.config;
  }
  RequestFlags flags;
  flags.target_shape = {480};
  EXPECT_TRUE(contains(error_of([&] { mapped("{}", flags); }).what(), "--target_shape has 1"));
}

}  // namespace
}  // namespace reel::compat::lightx2v
