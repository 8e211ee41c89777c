// SPDX-License-Identifier: Apache-2.0
// LoRAs through the program: the commands of docs/LORA.md, and what a clip says about them.
#include <gtest/gtest.h>

#include <fstream>
#include <iomanip>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "base/hash.h"
#include "e2e/child.h"
#include "support/temp_folder.h"

namespace reel::test {
namespace {

using nlohmann::json;

// The commands of the page's first block, without "reel".
std::vector<std::vector<std::string>> commands_of_page() {
  std::ifstream page(REEL_LORA_PAGE);
  std::vector<std::vector<std::string>> commands;
  std::string line;
  while (std::getline(page, line) && line != "```") {
  }
  while (std::getline(page, line) && line != "```") {
    std::istringstream words(line);
    std::string word;
    words >> word;
    EXPECT_EQ(word, "reel") << line;
    std::vector<std::string> args;
    while (words >> std::quoted(word)) args.push_back(word);
    commands.push_back(std::move(args));
  }
  return commands;
}

Outcome run(const TempFolder& folder, const std::vector<std::string>& args) {
  Command command;
  command.args = args;
  command.folder = folder.path();
  return run_program(command);
}

constexpr const char* kStyle = "style/wan2.1_t2v_tiny_lora_rank4_peft.safetensors";

std::vector<std::string> generate(const std::string& out, const std::vector<std::string>& loras) {
  std::vector<std::string> args{"generate", "--model",  "model", "--prompt", "a ball", "--seed",
                                "1",        "--device", "cpu",   "--json",   "--out",  out};
  for (const std::string& lora : loras) {
    args.push_back("--lora");
    args.push_back(lora);
  }
  return args;
}

TEST(LoraPage, ItsCommandsRun) {
  const TempFolder folder;
  std::map<std::string, std::string> answers;  // by command
  const auto commands = commands_of_page();
  ASSERT_EQ(commands.size(), 6u);
  for (const auto& args : commands) {
    const Outcome outcome = run(folder, args);
    EXPECT_EQ(outcome.exit_code, 0) << args[0] << ": " << outcome.err;
    answers[args[0]] = outcome.out + outcome.err;
  }

  EXPECT_NE(
      answers["inspect"].find("LoRA for the DiT of Wan 2.1: 20 matrices of rank 4, in 2 blocks"),
      std::string::npos)
      << answers["inspect"];
  EXPECT_NE(answers["plan"].find("changes 20 tensors"), std::string::npos) << answers["plan"];
  EXPECT_NE(answers["generate"].find("changes 20 tensors, strength 0.8"), std::string::npos)
      << answers["generate"];
  EXPECT_TRUE(answers["replay"].starts_with("equal\n")) << answers["replay"];
}

class LoraClips : public testing::Test {
 protected:
  LoraClips() {
    run(folder_, {"synth", "--layout", "distill_int8", "--out", "model"});
    run(folder_, {"synth", "--layout", "lora:peft", "--out", "style"});
    run(folder_, {"synth", "--layout", "lora:kohya", "--seed", "5", "--out", "other"});
  }

  json made(const std::string& out, const std::vector<std::string>& loras) {
    const Outcome outcome = run(folder_, generate(out, loras));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return json::parse(outcome.out, nullptr, false);
  }

  TempFolder folder_;
};

TEST_F(LoraClips, AreRecordedWithDigestAndStrength) {
  const std::string other = "other/wan2.1_t2v_tiny_lora_rank4_kohya.safetensors";
  const json plain = made("plain.mp4", {});
  const json none = made("none.mp4", {std::string(kStyle) + ":0"});
  const json both = made("both.mp4", {std::string(kStyle) + ":-0.5", other});

  EXPECT_EQ(plain.at("recipe").at("model").at("loras"), json::array());
  EXPECT_EQ(plain.at("frames_digest"), none.at("frames_digest"));
  EXPECT_NE(plain.at("frames_digest"), both.at("frames_digest"));
  EXPECT_EQ(plain.at("recipe").at("model").at("dit"), both.at("recipe").at("model").at("dit"));
  const json& loras = both.at("recipe").at("model").at("loras");
  ASSERT_EQ(loras.size(), 2u);
  EXPECT_EQ(loras[0].at("strength"), -0.5);
  EXPECT_EQ(loras[1].at("strength"), 1);
  EXPECT_EQ(loras[1].at("name"), "wan2.1_t2v_tiny_lora_rank4_kohya.safetensors");
  const std::string bytes = read_all(folder_ / kStyle);
  EXPECT_EQ(loras[0].at("digest"), digest_hex(std::as_bytes(std::span(bytes))));
}

TEST_F(LoraClips, AreInspectedAsJson) {
  const Outcome outcome =
      run(folder_, {"inspect", "--json", "other/wan2.1_t2v_tiny_lora_rank4_kohya.safetensors"});
  const json lora = json::parse(outcome.out, nullptr, false).at("lora");

  EXPECT_EQ(lora.at("matrices"), 20);
  EXPECT_EQ(lora.at("deltas"), 0);
  EXPECT_EQ(lora.at("blocks"), 2);
  EXPECT_EQ(lora.at("rank"), json({4, 4}));
  EXPECT_EQ(lora.at("alpha_over_rank"), json({0.5, 0.5}));
  EXPECT_EQ(lora.at("names_of"), json({"kohya"}));
  EXPECT_EQ(lora.at("dtype"), "bf16");
  EXPECT_EQ(lora.at("unknown_tensors"), json::array());
}

TEST_F(LoraClips, AreReplayedWithTheirLorasAlone) {
  made("clip.mp4", {std::string(kStyle) + ":0.5"});
  const auto replayed = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"replay", "clip.mp4", "--model", "model", "--device", "cpu"};
    args.insert(args.end(), more.begin(), more.end());
    return run(folder_, args);
  };

  // The strength is the recipe's.
  EXPECT_EQ(replayed({"--lora", kStyle}).out, "equal\n");
  EXPECT_EQ(replayed({"--lora", std::string(kStyle) + ":7"}).out, "equal\n");
  const Outcome without = replayed({});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_NE(without.err.find("Say where it is with --lora."), std::string::npos) << without.err;
  const Outcome twice = replayed({"--lora", kStyle, "--lora", kStyle});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_NE(twice.err.find("2 were given"), std::string::npos) << twice.err;
  const Outcome other = replayed({"--lora", "other/wan2.1_t2v_tiny_lora_rank4_kohya.safetensors"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.err.find("The LoRA's digest was "), std::string::npos) << other.err;
}

// The model's name says base, the LoRA's that it distils.
TEST(LoraVerdict, BaseWanAndADistillationLoraAreDistilled) {
  const TempFolder folder;
  run(folder, {"synth", "--layout", "official", "--out", "Wan2.1-T2V-14B"});
  run(folder, {"synth", "--layout", "lora:lightx2v", "--out", "lora"});
  const std::string lora = "lora/wan2.1_t2v_tiny_lora_rank4_4step_lightx2v.safetensors";
  const auto dry = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"generate", "--model", "Wan2.1-T2V-14B", "--prompt", "a ball",
                                  "--seed",   "1",       "--dry-run",      "--device", "cpu"};
    args.insert(args.end(), more.begin(), more.end());
    const Outcome outcome = run(folder, args);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  };

  EXPECT_NE(dry({}).find("unipc"), std::string::npos);
  EXPECT_NE(dry({"--lora", lora}).find("4 steps with lcm"), std::string::npos);
  EXPECT_NE(dry({"--lora", lora + ":0"}).find("unipc"), std::string::npos);
}

}  // namespace
}  // namespace reel::test
