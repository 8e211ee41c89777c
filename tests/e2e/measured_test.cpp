// SPDX-License-Identifier: Apache-2.0
// What a run tells about its time and memory: the last lines, --json, the recipe, --trace.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "e2e/answers.h"
#include "e2e/scene.h"
#include "formats/mp4_comment.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The cells of a CSV without quotes, by the names of the first line.
std::vector<std::map<std::string, std::string>> read_table(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> names;
  std::vector<std::map<std::string, std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells{""};
    for (const char letter : line) {
      if (letter == ',') {
        cells.emplace_back();
      } else {
        cells.back() += letter;
      }
    }
    if (names.empty()) {
      names = cells;
      continue;
    }
    EXPECT_EQ(cells.size(), names.size()) << line;
    auto& row = rows.emplace_back();
    for (size_t at = 0; at < std::min(cells.size(), names.size()); ++at) row[names[at]] = cells[at];
  }
  return rows;
}

TEST(Measured, GenerateTellsWhatEachStageTook) {
  Scene scene;
  scene.generate({"--json"});

  const json made = answer(scene);

  const json& measured = made.at("measured");
  std::vector<std::string> stages;
  double sum_s = 0;
  for (const json& one : measured.at("stages")) {
    stages.push_back(one.at("stage"));
    SCOPED_TRACE(stages.back());
    EXPECT_GT(one.at("seconds"), 0);
    EXPECT_GT(one.at("read_bytes"), 0);
    EXPECT_EQ(one.at("upload_bytes"), 0);
    EXPECT_GT(one.at("memory").size(), 0u);
    sum_s += one.at("seconds").get<double>();
  }
  EXPECT_EQ(stages, (std::vector<std::string>{"text", "denoise", "decode"}));
  EXPECT_EQ(measured.at("stages").at(1).at("step_seconds").size(), 4u);
  EXPECT_GE(measured.at("seconds"), sum_s);
  EXPECT_EQ(made.at("recipe").at("measured").at("stages"), measured.at("stages"));
}

TEST(Measured, ATraceHasARowForEveryOp) {
  Scene scene;
  scene.generate({"--trace", "out/ops.csv", "--json"});

  const json made = answer(scene);
  const auto rows = read_table(scene / "out/ops.csv");

  std::map<std::string, double> seconds;  // by stage
  std::set<std::string> steps, blocks, ops;
  for (const auto& row : rows) {
    EXPECT_GE(std::stod(row.at("duration_us")), 0);
    seconds[row.at("stage")] += std::stod(row.at("duration_us")) * 1e-6;
    ops.insert(row.at("op"));
    if (row.at("stage") != "denoise") continue;
    steps.insert(row.at("step"));
    blocks.insert(row.at("block"));
  }
  for (const json& stage : made.at("measured").at("stages")) {
    const double sum_s = seconds[stage.at("stage")];
    EXPECT_GT(sum_s, 0) << stage.at("stage");
    EXPECT_LE(sum_s, stage.at("seconds").get<double>()) << stage.at("stage");
  }
  EXPECT_TRUE(steps.contains("1") && steps.contains("4") && !steps.contains("5"));
  EXPECT_TRUE(blocks.contains("0") && blocks.contains(""));
  for (const char* op : {"linear", "attention", "layer_norm", "conv", "pack_matrix"}) {
    EXPECT_TRUE(ops.contains(op)) << op;
  }
}

TEST(Measured, ATraceAccountsForTheTimeOfDecoding) {
  Scene scene;
  const json made =
      answer(scene.reel({"generate", "--prompt", "a ball", "--seed", "1", "--frames", "9", "--out",
                         "out/clip.mp4", "--trace", "out/ops.csv", "--json"}));

  double sum_s = 0;
  for (const auto& row : read_table(scene / "out/ops.csv")) {
    if (row.at("stage") == "decode") sum_s += std::stod(row.at("duration_us")) * 1e-6;
  }
  const double stage_s = made.at("measured").at("stages").at(2).at("seconds");
  EXPECT_LE(sum_s, stage_s);
  EXPECT_GE(sum_s, 0.5 * stage_s) << "most of a stage must be in its rows";
}

TEST(Measured, AStageOfItsOwnTellsTheSame) {
  Scene scene;
  const Outcome outcome =
      expect_ok(scene.reel({"encode-text", "--model", "model", "--prompt", "a ball", "--out",
                            "out/text.safetensors", "--trace", "out/ops.csv"}));

  const auto rows = read_table(scene / "out/ops.csv");

  EXPECT_FALSE(rows.empty());
  for (const auto& row : rows) EXPECT_EQ(row.at("stage"), "text");
  for (const char* words : {"s (text ", "weights: ", "memory: ", "kernels: products "}) {
    EXPECT_NE(outcome.err.find(words), std::string::npos) << words << '\n' << outcome.err;
  }
}

TEST(Measured, TheLastLinesSayWhatARunTook) {
  Scene scene;
  scene.generate({});

  const Outcome outcome = expect_ok(scene);

  for (const char* line : {"seed 1: ", "weights: ", "memory: ", "kernels: "}) {
    EXPECT_NE(outcome.err.find(line), std::string::npos) << line << '\n' << outcome.err;
  }
}

TEST(Measured, IsInTheClip) {
  Scene scene;
  const json made = answer(scene.generate({"--json"}));

  const json recipe =
      json::parse(formats::read_mp4_comment(scene / "out/clip.mp4").value_or(""), nullptr, false);

  EXPECT_EQ(recipe.at("measured").at("stages"), made.at("measured").at("stages"));
  EXPECT_EQ(recipe.at("measured").at("kernels"), made.at("measured").at("kernels"));
}

TEST(Measured, KernelsAreNamed) {
  Scene scene;
  const json made = answer(scene.generate({"--json"}));

  std::set<std::string> families;
  for (const json& use : made.at("measured").at("kernels")) {
    families.insert(use.at("family"));
    EXPECT_FALSE(use.at("kernel").get<std::string>().empty());
    EXPECT_GT(use.at("calls"), 0);
    EXPECT_GT(use.at("flops"), 0);
  }
  EXPECT_EQ(families, (std::set<std::string>{"attention", "convolutions", "products"}));
}

}  // namespace
}  // namespace reel::test
