// SPDX-License-Identifier: Apache-2.0
// What each command answers when all is well: stdout carries the answer, stderr the progress.
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "e2e/answers.h"
#include "e2e/damage.h"
#include "e2e/scene.h"
#include "formats/mp4_comment.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(Commands, GenerateAnswersAsJson) {
  Scene scene;
  scene.generate({"--json"});

  const json made = answer(scene);

  EXPECT_EQ(made.at("path"), "out/clip.mp4");
  EXPECT_EQ(made.at("seed"), 1);
  EXPECT_EQ(made.at("recipe").at("prompt"), "a ball");
  EXPECT_TRUE(fs::exists(scene / "out/clip.mp4"));
}

TEST(Commands, QuietWritesNothingButTheAnswer) {
  Scene scene;
  scene.generate({"--quiet"});

  const Outcome outcome = expect_ok(scene);

  EXPECT_EQ(outcome.out, "out/clip.mp4\n");
  EXPECT_EQ(outcome.err, "");
}

TEST(Commands, ADryRunMakesNothing) {
  Scene scene;
  scene.generate({"--dry-run"});

  const Outcome outcome = expect_ok(scene);

  EXPECT_NE(outcome.out.find("16 wide x 16 high"), std::string::npos) << outcome.out;
  EXPECT_TRUE(fs::is_empty(scene / "out"));
}

// out/text.safetensors to out/latents.safetensors.
void denoise(Scene& scene, const std::vector<std::string>& more = {}) {
  std::vector<std::string> args{"denoise",
                                "--model",
                                "model",
                                "--device",
                                "cpu",
                                "--text",
                                "out/text.safetensors",
                                "--seed",
                                "1",
                                "--out",
                                "out/latents.safetensors"};
  args.insert(args.end(), more.begin(), more.end());
  expect_ok(scene.reel(args));
}

void make_latents(Scene& scene, const std::vector<std::string>& more = {}) {
  expect_ok(scene.reel({"encode-text", "--model", "model", "--device", "cpu", "--prompt", "a ball",
                        "--out", "out/text.safetensors"}));
  denoise(scene, more);
}

void decode(Scene& scene, const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> args{
      "decode", "--model", "model", "--device", "cpu", "--latents", "out/latents.safetensors",
      "--out",  out};
  args.insert(args.end(), more.begin(), more.end());
  expect_ok(scene.reel(args));
}

TEST(Commands, TheThreeStagesMakeTheFramesOfGenerate) {
  Scene scene;
  scene.generate({"--out", "out/whole.y4m"});
  expect_ok(scene);

  make_latents(scene);
  decode(scene, "out/stages.y4m");

  EXPECT_EQ(read_all(scene / "out/whole.y4m"), read_all(scene / "out/stages.y4m"));
}

TEST(Commands, TheThreeStagesWriteTheRecipeOfGenerate) {
  Scene scene;
  expect_ok(scene);
  json expected = json::parse(formats::read_mp4_comment(scene / "out/clip.mp4").value());
  expected.erase("measured");

  make_latents(scene);
  decode(scene, "out/stages.mp4");

  EXPECT_EQ(json::parse(formats::read_mp4_comment(scene / "out/stages.mp4").value()), expected);
  scene.reel({"replay", "out/stages.mp4", "--model", "model"});
  EXPECT_EQ(expect_ok(scene).out, "equal\n");
}

TEST(Commands, StagesLeaveTheRecipeOutThatIsUnwantedOrWouldNotLeadToTheClip) {
  Scene scene;
  make_latents(scene);
  decode(scene, "out/unwanted.mp4", {"--no-recipe"});
  EXPECT_FALSE(formats::read_mp4_comment(scene / "out/unwanted.mp4").has_value());

  fs::rename(scene / "out/latents.safetensors", scene / "out/noise.safetensors");
  denoise(scene, {"--noise", "out/noise.safetensors"});
  decode(scene, "out/other_noise.mp4");
  EXPECT_FALSE(formats::read_mp4_comment(scene / "out/other_noise.mp4").has_value());
}

TEST(Commands, DecodeAloneBlendsTilesLikeGenerateAndSaysSo) {
  Scene scene;
  scene.generate({"--vae-tiling", "blended", "--size", "208x16", "--out", "out/whole.y4m"});
  expect_ok(scene);

  make_latents(scene, {"--size", "208x16"});
  decode(scene, "out/blended.y4m", {"--vae-tiling", "blended"});
  decode(scene, "out/off.y4m", {"--vae-tiling", "off"});
  EXPECT_EQ(read_all(scene / "out/whole.y4m"), read_all(scene / "out/blended.y4m"));
  EXPECT_NE(read_all(scene / "out/whole.y4m"), read_all(scene / "out/off.y4m"));

  decode(scene, "out/blended.mp4", {"--vae-tiling", "blended"});
  scene.reel({"replay", "out/blended.mp4", "--model", "model"});
  EXPECT_EQ(expect_ok(scene).out, "equal\n");
}

TEST(Commands, ReplayOfAClipIsEqual) {
  Scene scene;
  expect_ok(scene);
  scene.reel({"replay", "out/clip.mp4", "--model", "model"});

  EXPECT_EQ(expect_ok(scene).out, "equal\n");
}

TEST(Commands, ReplayWithOtherWeightsSaysWhatDiffers) {
  Scene scene;
  expect_ok(scene);
  edit_header(scene / kNonBlock, [](json& header) {  // exchanges two vectors of the time embedding
    std::swap(header["time_embedding.0.bias"]["data_offsets"],
              header["time_embedding.2.bias"]["data_offsets"]);
  });
  scene.reel({"replay", "out/clip.mp4", "--model", "model"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("different")) << outcome.out;
  EXPECT_NE(outcome.err.find("The DiT's weights digest was "), std::string::npos) << outcome.err;
}

// Which latents it takes is in the recipe, whatever its file is called later.
TEST(Commands, ATaeDecodesAndTheRecipeSaysSo) {
  Scene scene;
  synthesize({.layout = "decoder:lighttaew2_1.pth", .out = scene / "tae"});
  scene.generate({"--vae", "tae/lighttaew2_1.pth", "--json"});
  EXPECT_EQ(answer(scene).at("recipe").at("model").at("decoder"), "TAE of VAE latents");

  fs::rename(scene / "tae/lighttaew2_1.pth", scene / "tae/another.pth");
  scene.reel({"replay", "out/clip.mp4", "--model", "model", "--vae", "tae/another.pth"});
  EXPECT_EQ(expect_ok(scene).out, "equal\n");

  scene.reel({"replay", "out/clip.mp4", "--model", "model"});
  const Outcome outcome = run_program(scene.command);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("The decoder was TAE of VAE latents, now it is VAE."),
            std::string::npos)
      << outcome.err;
}

TEST(Commands, BlendedTilesAreInTheRecipeAndReplayed) {
  Scene scene;
  scene.generate({"--vae-tiling", "blended", "--size", "16x208", "--json"});
  EXPECT_EQ(answer(scene).at("recipe").at("model").at("vae_tiling"), "blended");

  scene.reel({"replay", "out/clip.mp4", "--model", "model"});
  EXPECT_EQ(expect_ok(scene).out, "equal\n");

  scene.reel({"replay", "out/clip.mp4", "--model", "model", "--vae-tiling", "off"});
  const Outcome outcome = run_program(scene.command);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("The VAE tiling was blended, now it is off."), std::string::npos)
      << outcome.err;
}

TEST(Commands, TheRecipeIsInTheCommentTag) {
  Scene scene;
  expect_ok(scene);

  const json recipe =
      json::parse(formats::read_mp4_comment(scene / "out/clip.mp4").value_or(""), nullptr, false);
  const Outcome shown = expect_ok(scene.reel({"replay", "--show", "out/clip.mp4"}));

  ASSERT_TRUE(recipe.is_object());
  for (const char* field :
       {"reel", "prompt", "sampling", "model", "precision", "device", "kernels", "frames_digest"}) {
    EXPECT_TRUE(recipe.contains(field)) << field;
  }
  EXPECT_EQ(recipe.at("sampling").at("seed"), 1);
  for (const char* network : {"text_encoder", "dit", "vae"}) {
    EXPECT_EQ(recipe.at("model").at(network).get<std::string>().size(), 32u) << network;
  }
  EXPECT_EQ(json::parse(shown.out), recipe);
}

TEST(Commands, AFileMergedWithVaceMakesTheSameClip) {
  Scene scene;
  const std::vector<std::string> flags{
      "synth", "--preset",     "tiny",      "--layout",    "gguf:f16", "--seed",     "5",
      "--dim", "128",          "--ffn-dim", "256",         "--layers", "2",          "--text-dim",
      "64",    "--t5-ffn-dim", "64",        "--t5-layers", "1",        "--vae-base", "8"};
  for (const bool with_vace : {false, true}) {
    const std::string name = with_vace ? "merged" : "plain";
    auto synth = flags;
    synth.insert(synth.end(), {"--out", name});
    if (with_vace) synth.push_back("--with-vace");
    expect_ok(scene.reel(synth));
    scene.generate(
        {"--model", name, "--size", "32x32", "--frames", "5", "--out", "out/" + name + ".y4m"});
    expect_ok(scene);
  }

  EXPECT_EQ(read_all(scene / "out/plain.y4m"), read_all(scene / "out/merged.y4m"));
}

TEST(Commands, WithoutARecipeTheClipCarriesNone) {
  Scene scene;
  scene.generate({"--no-recipe"});
  expect_ok(scene);

  EXPECT_FALSE(formats::read_mp4_comment(scene / "out/clip.mp4").has_value());
}

TEST(Commands, SeveralDevicesMakeTheClipOfOne) {
  Scene scene;
  expect_ok(scene.reel({"synth", "--preset", "tiny", "--seed", "5", "--dim", "384", "--out", "3"}));
  const auto digest_on = [&](const std::string& device) {
    scene.generate({"--json", "--model", "3", "--size", "32x48", "--frames", "5", "--device",
                    device, "--out", "out/" + device + ".mp4"});
    return answer(scene).at("frames_digest");
  };

  const json of_one = digest_on("cpu");
  EXPECT_EQ(digest_on("cpu,cpu"), of_one);
  EXPECT_EQ(digest_on("cpu,cpu,cpu"), of_one);

  scene.reel({"replay", "out/cpu.mp4", "--model", "3", "--device", "cpu,cpu"});
  EXPECT_EQ(expect_ok(scene).out, "equal\n");
}

TEST(Commands, APromptThatWasEncodedBeforeIsTakenFromTheCache) {
  Scene scene;
  const auto generate = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> flags{"--json", "--out", "out/" + out};
    flags.insert(flags.end(), more.begin(), more.end());
    scene.generate(flags);
    return answer(scene);
  };
  const auto text_of = [](const json& made) { return made.at("measured").at("stages").at(0); };
  const json anew = generate("anew.mp4", {"--no-cache"});
  EXPECT_FALSE(fs::exists(scene / "cache/reel/text"));
  const json first = generate("first.mp4", {});

  const json second = generate("second.mp4", {});

  EXPECT_FALSE(text_of(first).contains("from_cache"));
  EXPECT_EQ(text_of(second).at("from_cache"), true);
  EXPECT_EQ(text_of(second).at("read_bytes"), 0);
  for (const json& made : {first, second}) {
    EXPECT_EQ(made.at("frames_digest"), anew.at("frames_digest"));
    EXPECT_EQ(made.at("recipe").at("model"), anew.at("recipe").at("model"));
  }
  scene.generate({"--out", "out/third.mp4"});
  EXPECT_NE(expect_ok(scene).err.find("text from the cache"), std::string::npos);

  // A hostile entry is left aside, and written anew.
  for (const auto& file : fs::directory_iterator(scene / "cache/reel/text")) {
    EXPECT_EQ(file.path().stem().string().find_first_not_of("0123456789abcdef"), std::string::npos);
    std::ofstream(file.path()) << "{\"text_states\": 1e99}";
  }
  const json damaged = generate("damaged.mp4", {});
  EXPECT_FALSE(text_of(damaged).contains("from_cache"));
  EXPECT_EQ(damaged.at("frames_digest"), anew.at("frames_digest"));
  EXPECT_EQ(text_of(generate("again.mp4", {})).at("from_cache"), true);
}

TEST(Commands, InspectSaysWhatAFolderIs) {
  Scene scene;
  scene.reel({"inspect", "model", "--json"});

  const json found = answer(scene);

  EXPECT_EQ(found.at("complete"), true);
  EXPECT_TRUE(found.at("missing").empty());
}

// The published recipe downloads `distill_fp8/*` alone: the parts are found from there, and what is
// nowhere is named with the places that were looked at.
TEST(Commands, InspectFindsTheOtherPartsFromTheFolderOfTheBlocks) {
  Scene scene;
  const json whole = answer(scene.reel({"inspect", "model/distill_fp8", "--json"}));
  EXPECT_EQ(whole.at("complete"), true) << whole.at("missing");
  EXPECT_EQ(whole.at("networks").size(), 3u);

  fs::remove_all(scene / kTokenizerFolder);
  const json found = answer(scene.reel({"inspect", "model/distill_fp8", "--json"}));
  const Outcome text = expect_ok(scene.reel({"inspect", "model/distill_fp8"}));

  EXPECT_EQ(found.at("complete"), false);
  ASSERT_EQ(found.at("missing").size(), 1u);
  const auto missing = found.at("missing")[0].get<std::string>();
  for (const char* words :
       {"spiece.model or tokenizer.json", "google/umt5-xxl", "\"model/distill_fp8\"", "/model\""}) {
    EXPECT_NE(missing.find(words), std::string::npos) << words << '\n' << missing;
  }
  EXPECT_NE(text.out.find("MISSING: " + missing), std::string::npos) << text.out;
}

TEST(Commands, PlanSaysWhatAClipTakesOnAGpu) {
  Scene scene;
  scene.reel({"plan", "--model", "model", "--vram", "8GiB", "--json"});

  const json plan = answer(scene);

  EXPECT_EQ(plan.at("fits"), true);
  EXPECT_EQ(plan.at("stages").size(), 3u);
  EXPECT_LE(plan.at("context_bytes").get<uint64_t>() + plan.at("arena_bytes").get<uint64_t>(),
            plan.at("cap_bytes").get<uint64_t>());
  const Outcome text = expect_ok(scene.reel({"plan", "--model", "model", "--vram", "8GiB"}));
  EXPECT_NE(text.out.find("it fits"), std::string::npos);
  EXPECT_NE(text.out.find("a prediction"), std::string::npos);
  const size_t total = text.out.rfind("in all");
  ASSERT_NE(total, std::string::npos);
  double milliseconds = 0;  // a model as small as this one takes less than a second
  EXPECT_EQ(std::sscanf(text.out.c_str() + total, "in all %lf ms", &milliseconds), 1);
  EXPECT_NEAR(milliseconds, 1e3 * plan.at("seconds").get<double>(), 0.5);
}

// Reading the 22 GB would take several seconds.
TEST(Commands, PlanOfThe14BTakesLessThanASecond) {
  Scene scene;
  synthesize({.preset = "wan2.1-t2v-14b", .out = scene / "large", .sparse = true});
  scene.reel({"plan", "--model", "large", "--vram", "12GiB", "--ram", "16GiB"});
  std::chrono::duration<double> best{60};
  for (int attempt = 0; attempt < 3; ++attempt) {  // others may hold the cores
    const auto before = std::chrono::steady_clock::now();
    const Outcome outcome = expect_ok(scene);
    best = std::min<std::chrono::duration<double>>(best, std::chrono::steady_clock::now() - before);
    EXPECT_NE(outcome.out.find("it fits"), std::string::npos) << outcome.out;
  }

  EXPECT_LT(best.count(), 1);
}

TEST(Commands, PlanNamesWhatFitsWhereTheRequestDoesNot) {
  Scene scene;
  scene.reel({"plan", "--model", "model", "--vram", "1GiB"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_NE(outcome.out.find("it does not fit"), std::string::npos);
  EXPECT_NE(outcome.err.find("of GPU memory at least"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("--vram"), std::string::npos) << outcome.err;
}

TEST(Commands, AGpuBudgetIsWarnedOfOnTheCpu) {
  Scene scene;
  scene.generate({"--vram", "8GiB"});

  EXPECT_NE(expect_ok(scene).err.find("has no effect on the CPU"), std::string::npos);
}

}  // namespace
}  // namespace reel::test
