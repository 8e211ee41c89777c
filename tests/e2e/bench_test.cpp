// SPDX-License-Identifier: Apache-2.0
// `reel bench`, as a user runs it.
#include <gtest/gtest.h>

#include <fstream>

#include "e2e/answers.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

using nlohmann::json;

TEST(Bench, MeasuresOpsAndAClipAndComparesReports) {
  Scene scene;
  const std::vector<std::string> small = {"--device", "cpu", "--size", "16x16", "--frames", "1"};
  std::vector<std::string> args{"bench", "--json", "--model", "model"};
  args.insert(args.end(), small.begin(), small.end());

  const std::string report = expect_ok(scene.reel(args)).out;

  const json measured = json::parse(report, nullptr, false);
  ASSERT_FALSE(measured.is_discarded()) << report;
  EXPECT_EQ(measured.at("tokens"), 1);
  EXPECT_GE(measured.at("ops").size(), 9u);
  for (const json& op : measured.at("ops")) EXPECT_GT(op.at("per_second").get<double>(), 0) << op;
  EXPECT_GT(measured.at("block").at("seconds").get<double>(), 0);
  ASSERT_EQ(measured.at("clips").size(), 1u);
  EXPECT_EQ(measured.at("clips")[0].at("width"), 16);
  EXPECT_GT(measured.at("clips")[0].at("seconds").at("total").get<double>(), 0);

  std::ofstream(scene / "one.json") << report;
  const std::string same = expect_ok(scene.reel({"bench", "one.json", "one.json"})).out;
  EXPECT_NE(same.find("product up, GELU"), std::string::npos) << same;
  EXPECT_NE(same.find("1.00x"), std::string::npos) << same;
}

TEST(Bench, PredictsForCardsThatAreNotHere) {
  Scene scene;

  const json all = json::parse(expect_ok(scene.reel({"bench", "--predict", "all", "--json"})).out);

  EXPECT_EQ(all.at("predicted"), true);
  ASSERT_EQ(all.at("cards").size(), 7u);
  for (const json& card : all.at("cards")) EXPECT_GT(card.at("step_s").get<double>(), 1) << card;
  for (const json& card : all.at("cards")) {
    EXPECT_EQ(card.contains("f16_values_step_s"), card.at("gpu") != "RTX 3060") << card;
    if (!card.contains("f16_values_step_s")) continue;
    EXPECT_LT(card.at("step_s").get<double>(), card.at("f16_values_step_s").get<double>()) << card;
  }

  const std::string one = expect_ok(scene.reel({"bench", "--predict", "rtx4070"})).out;
  EXPECT_NE(one.find("RTX 4070"), std::string::npos) << one;
  EXPECT_NE(one.find("Predicted, not measured"), std::string::npos) << one;

  scene.reel({"bench", "--predict", "voodoo3"});
  const Outcome other = run_program(scene.command);
  EXPECT_NE(other.exit_code, 0);
  EXPECT_NE(other.err.find("is no card that times can be predicted for"), std::string::npos)
      << other.err;
}

TEST(Bench, ComparesNothingButTwoReports) {
  Scene scene;
  std::ofstream(scene / "other.json") << "{}";

  scene.reel({"bench", "other.json", "other.json"});
  const Outcome wrong = run_program(scene.command);
  scene.reel({"bench", "other.json"});
  const Outcome one = run_program(scene.command);

  EXPECT_NE(wrong.exit_code, 0);
  EXPECT_NE(wrong.err.find("not a report of reel bench"), std::string::npos) << wrong.err;
  EXPECT_NE(one.exit_code, 0);
  EXPECT_NE(one.err.find("two can be compared"), std::string::npos) << one.err;
}

}  // namespace
}  // namespace reel::test
