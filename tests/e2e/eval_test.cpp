// SPDX-License-Identifier: Apache-2.0
// `reel eval`, as a user runs it.
#include <gtest/gtest.h>

#include "e2e/answers.h"
#include "e2e/damage.h"
#include "e2e/scene.h"
#include "formats/tensor_file.h"

namespace reel::test {
namespace {

using nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Every product of the block gives zeros.
void zero_scales(const std::filesystem::path& block) {
  const auto file = formats::open_tensor_file(block);
  for (const formats::TensorEntry& entry : file->entries()) {
    if (entry.name.ends_with("weight_scale")) {
      overwrite(block, entry.offset_bytes, std::string(entry.size_bytes, '\0'));
    }
  }
}

TEST(Eval, OfTheDemoModelIsWithinItsLimits) {
  Scene scene;
  scene.reel({"eval", "--device", "cpu", "--check"});

  const Outcome outcome = run_program(scene.command);

  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(has(outcome.out, "256 wide x 256 high, 5 frames (512 tokens)")) << outcome.out;
  for (const char* row : {"\n    0  ", "\n    5  ", "\nvelocity  ", "\nlatents  "}) {
    EXPECT_TRUE(has(outcome.out, row)) << row << outcome.out;
  }
  EXPECT_TRUE(has(outcome.out, "within, at most 0.75 is allowed")) << outcome.out;
}

TEST(Eval, AnswersAsJson) {
  Scene scene;
  scene.reel({"eval", "--device", "cpu", "--size", "64x64", "--frames", "1", "--layers", "3",
              "--precision", "int8", "--count", "1", "--json"});

  const json report = answer(scene);

  EXPECT_EQ(report.at("layers"), 3);
  EXPECT_EQ(report.at("model_layers"), 6);
  EXPECT_EQ(report.at("paths").front().at("name"), "int8");
  EXPECT_EQ(report.at("paths").back().at("name"), "fp8");
  for (const json& path : report.at("paths")) {
    EXPECT_EQ(path.at("local").size(), 3u) << path;
    EXPECT_GT(path.at("latents").get<double>(), 0) << path;
  }
}

TEST(Eval, EndsWithOneWhenAPathIsTooFar) {
  // Without products FP8 has no error to compare with, and bf16 attention has.
  Scene scene;
  zero_scales(scene / kBlock);
  scene.reel({"eval", "--model", "model", "--device", "cpu", "--size", "32x32", "--frames", "1"});

  const Outcome measured = run_program(scene.command);
  scene.command.args.push_back("--check");
  const Outcome checked = run_program(scene.command);

  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_TRUE(has(measured.out, "TOO FAR")) << measured.out;
  EXPECT_EQ(checked.exit_code, 1) << checked.out << checked.err;
  EXPECT_EQ(checked.out, measured.out);
}

}  // namespace
}  // namespace reel::test
