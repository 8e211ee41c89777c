// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/error.h>
#include <reel/lightx2v.h>
#include <reel/synth.h>

#include <fstream>

#include "support/temp_folder.h"

namespace reel::lightx2v {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Told : public Progress {
 public:
  void on_warning(std::string_view text) override { warnings.emplace_back(text); }
  void on_note(std::string_view text) override { notes.emplace_back(text); }

  std::vector<std::string> warnings, notes;
};

class Prepare : public testing::Test {
 protected:
  Prepare() {
    SynthRequest request{.out = folder_ / "model"};
    request.dim = request.ffn_dim = 128;
    request.layers = request.t5_layers = 1;
    request.text_dim = request.t5_ffn_dim = 64;
    request.t5_vocab = 512;
    request.vae_base = 8;
    synthesize(request);
    settings_.prompt = "a ball";
    give("model_path", '"' + model() + '"');
  }

  std::string model() const { return folder_ / "model"; }
  void give(const std::string& key, const std::string& json) {
    settings_.given.push_back({.key = key, .json = json, .origin = "the test"});
  }
  void configure(const std::string& text) {
    settings_.config_json = folder_ / "my.json";
    std::ofstream(settings_.config_json) << text;
  }
  void expect_error(ErrorCode code, const std::string& words) {
    try {
      prepare(settings_, told_);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  test::TempFolder folder_;
  Settings settings_;
  Told told_;
};

// LightX2V loads no other network than the one it was told of.
TEST_F(Prepare, ChecksThatTheDecoderIsTheOneAskedFor) {
  synthesize({.layout = "decoder:taew2_1.pth", .out = folder_ / "tae"});
  give("use_tae", "true");
  give("tae_path", '"' + (folder_ / "tae/taew2_1.pth").string() + '"');
  EXPECT_EQ(prepare(settings_, told_).model.vae, folder_ / "tae/taew2_1.pth");

  give("tae_path", '"' + model() + "/distill_fp8/Wan2.1_VAE.pth\"");
  expect_error(ErrorCode::kBadFile, "Wan2.1_VAE.pth is a VAE.");
  give("use_tae", "false");
  give("use_lightvae", "true");
  give("vae_path", '"' + model() + "/distill_fp8/Wan2.1_VAE.pth\"");
  expect_error(ErrorCode::kBadFile, "use_lightvae is true, but");
}

TEST_F(Prepare, TakesTheGgufFileOfTheScheme) {
  namespace fs = std::filesystem;
  for (const char* type : {"q8_0", "q4_0"}) {
    SynthRequest request{.layout = std::string("gguf:") + type, .out = folder_ / type};
    request.dim = request.ffn_dim = request.text_dim = request.t5_ffn_dim = 256;
    request.layers = request.t5_layers = 1;
    request.t5_vocab = 512;
    request.vae_base = 8;
    synthesize(request);
  }
  fs::remove(folder_ / "q4_0/umt5-xxl-encoder-Q4_0.gguf");
  for (const auto& entry : fs::directory_iterator(folder_ / "q4_0")) {
    if (entry.path().extension() == ".gguf") fs::copy(entry.path(), folder_ / "q8_0");
  }
  give("model_path", '"' + (folder_ / "q8_0").string() + '"');
  for (const std::string type : {"Q8_0", "Q4_0"}) {
    give("dit_quant_scheme", "\"gguf-" + type + '"');
    const std::string file = prepare(settings_, told_).model.model;
    EXPECT_TRUE(file.ends_with("-" + type + ".gguf")) << file;
    EXPECT_THAT(file, testing::Not(HasSubstr("umt5")));
  }
  give("dit_quant_scheme", "\"gguf-Q4_K_M\"");
  expect_error(ErrorCode::kNotFound, "has no GGUF file of the DiT in Q4_K_M.");
}

TEST_F(Prepare, TakesWhatIsGivenAndFindsTheModel) {
  give("model_cls", "\"wan2.1_distill\"");
  give("sample_shift", "3");
  settings_.seed = 7;
  settings_.save_result_path = "clip.mp4";

  const auto run = prepare(settings_, told_);

  EXPECT_EQ(run.model.model, model());
  EXPECT_EQ(run.model.checkpoint_kind, "distilled");
  EXPECT_EQ(run.request.sampling.sampler, "euler");
  EXPECT_EQ(run.request.sampling.shift, 3);
  EXPECT_EQ(run.request.sampling.seed, 7u);
  EXPECT_EQ(run.request.prompt, "a ball");
  EXPECT_EQ(run.request.out, "clip.mp4");
  EXPECT_THAT(told_.warnings, IsEmpty());
  EXPECT_THAT(told_.notes, Contains(HasSubstr("there are no BF16 weights")));
}

TEST_F(Prepare, AFileStandsAboveWhatIsGivenAndSetsAboveTheFile) {
  give("sample_shift", "3");
  give("fps", "8");
  configure(R"({"sample_shift": 4, "fps": 24})");
  settings_.sets = {"fps=12"};
  settings_.sampler = "lcm";

  const auto run = prepare(settings_, told_);

  EXPECT_EQ(run.request.sampling.shift, 4);
  EXPECT_EQ(run.request.fps, 12);
  EXPECT_EQ(run.request.sampling.sampler, "lcm");
  EXPECT_THAT(told_.notes, Contains(HasSubstr("stands above the test and replaces its fps")));
}

TEST_F(Prepare, NoSeedIsARandomOne) {
  settings_.seed.reset();
  EXPECT_FALSE(prepare(settings_, told_).request.sampling.seed.has_value());
}

TEST_F(Prepare, NamesWithoutAPrefixAreThoseOfPython) {
  configure(R"({"target_video_length": 5})");
  settings_.name_prefix = "";
  settings_.num_frames = 9;

  prepare(settings_, told_);

  EXPECT_THAT(told_.notes,
              Contains("num_frames 9 has no effect: the config says 5, and stands above it."));
}

TEST_F(Prepare, RefusesByNameAndOrigin) {
  give("task", "\"i2v\"");
  expect_error(ErrorCode::kUnsupported, "task (the test) is \"i2v\"");
}

TEST_F(Prepare, RefusesAValueThatIsNoJson) {
  give("fps", "{");
  expect_error(ErrorCode::kInvalidArgument, "fps (the test) is no JSON");
}

TEST_F(Prepare, RefusesAFileThatIsNoJson) {
  configure("{\"fps\": 8,}");
  expect_error(ErrorCode::kBadFile, "my.json");
}

TEST_F(Prepare, RefusesWeightsThatAreNotThere) {
  configure(R"({"dit_quantized": true, "dit_quant_scheme": "int8-vllm"})");
  expect_error(ErrorCode::kNotFound, "has no int8 DiT");
}

}  // namespace
}  // namespace reel::lightx2v
