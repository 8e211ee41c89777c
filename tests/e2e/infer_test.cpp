// SPDX-License-Identifier: Apache-2.0
// LightX2V's commands: the table of docs/LIGHTX2V.md, and the scripts, run as a user does.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

struct Row {
  std::vector<std::string> flags;
  std::string config;  // "none": no --config_json
  int exit_code = -1;
  std::string words;
};

// Named in GoogleTest's output.
void PrintTo(const Row& row, std::ostream* out) { *out << row.config << ' ' << row.words; }

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

// The rows of the page's last table.
std::vector<Row> read_rows() {
  std::ifstream file(REEL_LIGHTX2V_PAGE);
  const std::regex pattern(R"(\| `(--[^`]*)` \| `([^`]*)` \| (\d+) \| `([^`]*)` \|)");
  std::vector<Row> rows;
  std::smatch cells;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_match(line, cells, pattern)) continue;
    rows.push_back({words_of(cells[1]), cells[2], std::stoi(cells[3]), cells[4]});
  }
  return rows;
}

class Infer : public testing::TestWithParam<Row> {};

TEST_P(Infer, AnswersAsThePageSays) {
  Scene scene;
  std::vector<std::string> args{"infer",  "--model_path",       "model",        "--prompt",
                                "a ball", "--save_result_path", "out/clip.mp4", "--dry-run"};
  if (GetParam().config != "none") {
    write_bytes(scene / "config.json", GetParam().config);
    args.insert(args.end(), {"--config_json", "config.json"});
  }
  args.insert(args.end(), GetParam().flags.begin(), GetParam().flags.end());

  const Outcome outcome = run_program(scene.reel(args).command);

  EXPECT_EQ(outcome.exit_code, GetParam().exit_code) << outcome.err;
  const std::string all = outcome.out + outcome.err;
  const size_t at = all.find(GetParam().words);
  ASSERT_NE(at, std::string::npos) << all;
  EXPECT_EQ(all.find(GetParam().words, at + 1), std::string::npos) << "said twice: " << all;
  EXPECT_EQ(outcome.out.empty(), GetParam().exit_code != 0) << outcome.out;
  EXPECT_TRUE(fs::is_empty(scene / "out"));
}

INSTANTIATE_TEST_SUITE_P(Page, Infer, testing::ValuesIn(read_rows()));

TEST(InferPage, HasRows) { EXPECT_GE(read_rows().size(), 30u); }

// A clip of this program under that name, as raw frames.
std::string made(Scene& scene, const std::vector<std::string>& args) {
  scene.reel(args);
  const Outcome outcome = run_program(scene.command);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome.exit_code == 0 ? read_all(scene / args.back()) : "";
}

TEST(InferClip, IsThatOfGenerateWithTheSameSettings) {
  Scene scene;
  write_bytes(scene / "config.json", R"({"denoising_step_list": [1000, 750, 500, 250],
      "sample_shift": 5, "sample_guide_scale": 6, "enable_cfg": false, "size": [16, 32],
      "num_frames": 5, "self_attn_1_type": "flash_attn3", "cross_attn_1_type": "flash_attn3"})");

  const std::string inferred =
      made(scene, {"infer", "--model_cls", "wan2.1_distill", "--model_path", "model",
                   "--config_json", "config.json", "--prompt", "a ball", "--device", "cpu",
                   "--save_result_path", "out/infer.y4m"});
  const std::string euler =
      made(scene,
           {"generate", "--model", "model", "--device", "cpu", "--prompt", "a ball", "--seed", "42",
            "--size", "32x16", "--frames", "5", "--sampler", "euler", "--out", "out/e.y4m"});
  const std::string lcm =
      made(scene, {"generate", "--model", "model", "--device", "cpu", "--prompt", "a ball",
                   "--seed", "42", "--size", "32x16", "--frames", "5", "--out", "out/l.y4m"});

  EXPECT_FALSE(inferred.empty());
  EXPECT_TRUE(inferred == euler);
  EXPECT_FALSE(inferred == lcm);
}

TEST(InferClip, AppliesTheLorasOfTheConfig) {
  Scene scene;
  ASSERT_EQ(
      run_program(scene
                      .reel({"synth", "--layout", "lora:lightx2v", "--dim", "128", "--ffn-dim",
                             "128", "--layers", "1", "--text-dim", "64", "--out", "lora"})
                      .command)
          .exit_code,
      0);
  const fs::path file = fs::directory_iterator(scene / "lora")->path();
  const auto clip = [&](const std::string& strength) {
    write_bytes(scene / "config.json", R"({"lora_configs": [{"path": ")" + file.string() +
                                           R"(", "strength": )" + strength + "}]}");
    return made(scene,
                {"infer", "--model_path", "model", "--config_json", "config.json", "--prompt",
                 "a ball", "--device", "cpu", "--force", "--save_result_path", "out/clip.y4m"});
  };

  const std::string with = clip("1.0");
  const std::string without = clip("0");

  EXPECT_FALSE(with.empty());
  EXPECT_FALSE(with == without);
}

TEST(InferClip, DecodesWithTheTaeOfTheConfig) {
  Scene scene;
  ASSERT_EQ(
      run_program(scene.reel({"synth", "--layout", "decoder:taew2_1.pth", "--out", "tae"}).command)
          .exit_code,
      0);
  fs::copy(scene / "tae/taew2_1.pth", scene / "model/distill_fp8/taew2_1.pth");
  fs::remove(scene / kVae);  // LightX2V would want it all the same
  write_bytes(scene / "config.json", R"({"use_tae": true})");

  const std::string inferred =
      made(scene, {"infer", "--model_path", "model", "--config_json", "config.json", "--prompt",
                   "a ball", "--device", "cpu", "--save_result_path", "out/infer.y4m"});
  const std::string generated =
      made(scene, {"generate", "--model", "model", "--vae", "tae/taew2_1.pth", "--prompt", "a ball",
                   "--seed", "42", "--sampler", "euler", "--device", "cpu", "--out", "out/g.y4m"});

  EXPECT_FALSE(inferred.empty());
  EXPECT_TRUE(inferred == generated);
}

TEST(InferClip, BlendsTilesWhereTheConfigAsksForThem) {
  Scene scene;
  write_bytes(scene / "config.json", R"({"use_tiling_vae": true, "size": [16, 208]})");
  const auto generated = [&](const char* tiling, const char* out) {
    return made(scene, {"generate", "--model", "model", "--vae-tiling", tiling, "--size", "208x16",
                        "--prompt", "a ball", "--seed", "42", "--sampler", "euler", "--device",
                        "cpu", "--out", out});
  };

  const std::string inferred =
      made(scene, {"infer", "--model_path", "model", "--config_json", "config.json", "--prompt",
                   "a ball", "--device", "cpu", "--save_result_path", "out/infer.y4m"});

  EXPECT_FALSE(inferred.empty());
  EXPECT_TRUE(inferred == generated("blended", "out/tiles.y4m"));
  EXPECT_FALSE(inferred == generated("off", "out/whole.y4m"));
}

TEST(InferClip, ReplacesAFileOnlyWhenForced) {
  Scene scene;
  write_bytes(scene / "out/clip.y4m", "mine");
  std::vector<std::string> args{"infer",       "--model_path", "model", "--prompt",
                                "a ball",      "--device",     "cpu",   "--save_result_path",
                                "out/clip.y4m"};

  EXPECT_EQ(run_program(scene.reel(args).command).exit_code, 2);
  EXPECT_EQ(read_all(scene / "out/clip.y4m"), "mine");

  args.insert(args.begin() + 1, "--force");
  EXPECT_GT(made(scene, args).size(), 100u);
}

TEST(InferClip, ABaseModelIsNotMadeIntoADistilledOneInSilence) {
  Scene scene;
  fs::rename(scene / "model", scene / "Wan2.1-T2V-14B");
  fs::rename(scene / "Wan2.1-T2V-14B/distill_fp8", scene / "Wan2.1-T2V-14B/original");
  const auto infer = [&](const std::string& model_cls, const std::string& config) {
    write_bytes(scene / "config.json", config);
    return run_program(
        scene
            .reel({"infer", "--model_cls", model_cls, "--model_path", "Wan2.1-T2V-14B",
                   "--config_json", "config.json", "--prompt", "a ball", "--dry-run"})
            .command);
  };

  const Outcome base = infer("wan2.1", "{}");
  EXPECT_NE(base.out.find("50 steps with unipc"), std::string::npos) << base.out << base.err;
  const Outcome warned = infer("wan2.1_distill", "{}");
  EXPECT_NE(warned.out.find("4 steps with euler"), std::string::npos) << warned.out;
  EXPECT_NE(warned.err.find("this one is not ("), std::string::npos) << warned.err;
  const Outcome refused = infer("wan2.1_distill", R"({"dit_original_ckpt": "4step.safetensors"})");
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_NE(refused.err.find("is not distilled ("), std::string::npos) << refused.err;
}

TEST(InferClip, ACheckpointElsewhereKeepsTheOtherPartsOfTheModel) {
  Scene scene;
  fs::create_directories(scene / "elsewhere/far");
  fs::rename(scene / "model/distill_fp8", scene / "elsewhere/far/distill_fp8");
  fs::create_directory(scene / "model/parts");
  for (const char* name : {"models_t5_umt5-xxl-enc-fp8.pth", "Wan2.1_VAE.pth"}) {
    fs::rename(scene / "elsewhere/far/distill_fp8" / name, scene / "model/parts" / name);
  }
  write_bytes(scene / "config.json", R"({"dit_quantized": true, "dit_quant_scheme": "fp8-sgl",
      "dit_quantized_ckpt": "elsewhere/far/distill_fp8", "num_frames": 1, "size": [16, 16]})");

  EXPECT_FALSE(
      made(scene, {"infer", "--model_path", "model", "--config_json", "config.json", "--prompt",
                   "a ball", "--device", "cpu", "--save_result_path", "out/clip.y4m"})
          .empty());
}

TEST(InferClip, TheFlagsOfThePublishedScriptsAreTaken) {
  Scene scene;
  const std::string config =
      (fs::path(REEL_SOURCES) / "configs/distill/wan21/wan_t2v_distill_model_4step_cfg.json")
          .string();
  scene.reel({"infer",
              "--model_cls",
              "wan2.1",
              "--task",
              "t2v",
              "--model_path",
              "model",
              "--config_json",
              config,
              "--prompt",
              "two cats",
              "--use_prompt_enhancer",
              "--negative_prompt",
              "\xe9\x9d\x99\xe6\x80\x81",
              "--image_path",
              "",
              "--num_frames",
              "81",
              "--target_shape",
              "480",
              "832",
              "--seed",
              "42",
              "--save_result_path",
              "out/clip.mp4",
              "--dry-run"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("out/clip.mp4: 832 wide x 480 high, 81 frames at 16 fps, 4 steps with "
                             "euler, shift 5, guidance 1, seed 42"),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.err.find("it runs as distilled"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("Without effect here: --use_prompt_enhancer, --negative_prompt "
                             "(guidance is off), cross_attn_2_type."),
            std::string::npos)
      << outcome.err;
}

TEST(InferClip, EnvironmentOfLightX2VIsNamedOrRefused) {
  Scene scene;
  scene.reel({"infer", "--model_path", "model", "--prompt", "a ball", "--dry-run"});
  scene.command.started_by = {"env", "DTYPE=FP16", "PROFILING_DEBUG_LEVEL=2"};
  EXPECT_NE(run_program(scene.command)
                .err.find("Without effect here: DTYPE (environment), PROFILING_DEBUG_LEVEL "
                          "(environment)."),
            std::string::npos);

  scene.command.started_by = {"env", "WORLD_SIZE=8"};
  EXPECT_EQ(run_program(scene.command).exit_code, 6);
}

// A script of scripts/wan with the demo model, its configs in a folder of the test's.
class Script : public testing::TestWithParam<const char*> {};

Outcome run_script(Scene& scene, const std::string& name, const std::vector<std::string>& flags) {
  fs::create_directory_symlink(fs::path(REEL_SOURCES) / "configs", scene / "configs");
  scene.reel(flags);
  // The program that is "reel" to the scripts comes first, as the argument of sh.
  scene.command.started_by = {
      "env",
      "REEL=" + built_program().string(),
      "lightx2v_path=" + scene.folder().string(),
      "model_path=" + (fs::path(REEL_SOURCES) / "models/demo").string(),
      "sh",
      "-c",
      "shift; exec sh " + (fs::path(REEL_SOURCES) / "scripts/wan" / name).string() + ".sh \"$@\"",
      "sh"};
  return run_program(scene.command);
}

TEST_P(Script, MakesAClipOfTheDemoModel) {
  Scene scene;

  const Outcome outcome = run_script(
      scene, GetParam(),
      {"--device", "cpu", "--target_shape", "32", "32", "--set", "target_video_length=5"});

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string path = outcome.out.substr(0, outcome.out.size() - 1);
  EXPECT_EQ(fs::path(path).parent_path(), scene / "save_results");
  EXPECT_GT(fs::file_size(path), 100u);
  EXPECT_NE(outcome.err.find("32 wide x 32 high, 5 frames, seed 42"), std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("weights that do not fit the GPU are streamed"), std::string::npos)
      << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Wan, Script,
                         testing::Values("run_wan_t2v_distill_fp8_4step_cfg",
                                         "run_wan_t2v_distill_4step_cfg",
                                         "run_wan_t2v_distill_model_4step_cfg",
                                         "run_wan_t2v_distill_fp8_4step_12gb_block_offload"));

TEST(ScriptOfInt8, MakesAClipOfInt8Weights) {
  Scene scene;
  const std::string demo = (fs::path(REEL_SOURCES) / "models/demo").string();
  ASSERT_EQ(
      run_program(scene.reel({"synth", "--from", demo, "--layout", "distill_int8", "--out", "int8"})
                      .command)
          .exit_code,
      0);

  const Outcome outcome = run_script(scene, "run_wan_t2v_distill_int8_4step_cfg",
                                     {"--device", "cpu", "--target_shape", "32", "32", "--set",
                                      "target_video_length=5", "--set", "model_path=int8"});

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.ends_with("wan_t2v_distill_int8_4step.mp4\n")) << outcome.out;
}

TEST(ScriptOfInt8, AsksForInt8Weights) {
  Scene scene;

  const Outcome outcome =
      run_script(scene, "run_wan_t2v_distill_int8_4step_cfg", {"--device", "cpu", "--dry-run"});

  EXPECT_EQ(outcome.exit_code, 4);  // the demo model has none
  EXPECT_NE(outcome.err.find("has no int8 DiT; fp8 is there."), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("dit_quant_scheme of the config asks for it"), std::string::npos);
}

}  // namespace
}  // namespace reel::test
