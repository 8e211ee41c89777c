// SPDX-License-Identifier: Apache-2.0
#include "pipeline/text_stage.h"

#include <gtest/gtest.h>
#include <reel/synth.h>

#include <cstdlib>

#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

class TextStageTest : public testing::Test, public Progress {
 protected:
  TextStageTest() {
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    synthesize({.layout = "distill_fp8", .out = folder_ / "model", .seed = 9});
    options_.model = folder_ / "model";
    options_.device = "cpu";
    options_.text_cache = true;
  }
  ~TextStageTest() override { ::unsetenv("XDG_CACHE_HOME"); }

  void on_warning(std::string_view text) override { warnings_.emplace_back(text); }

  RunSettings settings_of(const OpenModel& model, float guidance) {
    return check_sampling({.seed = 3, .guidance = guidance}, model.facts()).settings;
  }
  EncodedText run(const OpenModel& model, const VideoRequest& request, float guidance) {
    const StopFlag stop;
    Runtime runtime(options_, stop);
    RunMeter meter(runtime);
    ProgressClock clock(*this);
    const auto ids = tokenize_request(model, request, settings_of(model, guidance), *this);
    return run_text_stage(model, runtime, ids, meter, clock, *this);
  }

  test::TempFolder folder_;
  ModelOptions options_;
  std::vector<std::string> warnings_;
};

TEST_F(TextStageTest, EncodesOnceAndThenFindsTheSameStates) {
  const OpenModel model(options_, Parts{}, *this);
  VideoRequest request;
  request.prompt = "a ball";

  const EncodedText first = run(model, request, 1);
  const EncodedText second = run(model, request, 1);

  EXPECT_FALSE(first.was_cached);
  EXPECT_TRUE(second.was_cached);
  EXPECT_FALSE(first.prompts.weights_digest.empty());
  EXPECT_EQ(first.prompts.weights_digest, second.prompts.weights_digest);
  const auto a = first.prompts.prompt.states.values<float>();
  const auto b = second.prompts.prompt.states.values<float>();
  EXPECT_EQ(std::vector<float>(a.begin(), a.end()), std::vector<float>(b.begin(), b.end()));
}

TEST_F(TextStageTest, GuidanceAddsTheNegativePrompt) {
  const OpenModel model(options_, Parts{}, *this);
  VideoRequest request;
  request.prompt = "a ball";
  request.negative_prompt = "fog";

  EXPECT_TRUE(run(model, request, 3).prompts.negative.has_value());
  EXPECT_TRUE(warnings_.empty());
  EXPECT_FALSE(run(model, request, 1).prompts.negative.has_value());
  EXPECT_EQ(warnings_,
            std::vector<std::string>{"The negative prompt has no effect at guidance 1."});
}

}  // namespace
}  // namespace reel::pipeline
