// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/keys.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <regex>

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;

// Rows like: | `infer_steps` | used | ... |
std::map<std::string, std::string> rows_of_the_page() {
  std::map<std::string, std::string> rows;
  std::ifstream file(REEL_LIGHTX2V_PAGE);
  const std::regex row("\\| `(\\w+)` \\| (used|memory|no effect|refused when on) \\|.*");
  std::smatch cells;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_match(line, cells, row)) continue;
    EXPECT_TRUE(rows.emplace(cells[1], cells[2]).second) << cells[1] << " stands there twice";
  }
  return rows;
}

TEST(Keys, ThePageIsTheTable) {
  const auto rows = rows_of_the_page();
  for (const Key& key : keys()) {
    const auto row = rows.find(std::string(key.name));
    ASSERT_TRUE(row != rows.end()) << key.name << " has no row";
    EXPECT_EQ(row->second, use_name(key.use)) << key.name;
  }
  EXPECT_EQ(rows.size(), keys().size());
}

TEST(Keys, EachIsListedOnce) {
  std::map<std::string_view, int> seen;
  for (const Key& key : keys()) EXPECT_EQ(++seen[key.name], 1) << key.name;
}

TEST(Keys, WhatChangesTheResultIsRefusedWhenOnAlone) {
  for (const Key& key : keys()) {
    if (key.use != KeyUse::kRefused) continue;
    for (const char* on : {"true", "1", "\"Tea\"", "[{}]", "{\"a\": 1}"}) {
      const Settings settings{{std::string(key.name), {json::parse(on), "my.json"}}};
      const Error error = error_of([&] { refuse_what_changes_the_result(settings); });
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << key.name;
      EXPECT_TRUE(contains(error.what(), std::string(key.name) + " (my.json) is ")) << error.what();
      EXPECT_TRUE(contains(error.hint(), "--set " + std::string(key.name) + "=null"));
    }
    for (const char* off : {"false", "0", "null", "\"NoCaching\"", "\"\"", "[]", "{}"}) {
      const Settings settings{{std::string(key.name), {json::parse(off), "my.json"}}};
      EXPECT_NO_THROW(refuse_what_changes_the_result(settings)) << key.name << ' ' << off;
    }
  }
}

TEST(Keys, NamesAreSortedByWhatIsDoneWithThem) {
  const Settings settings{{"cpu_offload", {false, "a"}}, {"lazy_load", {nullptr, "a"}},
                          {"rope_type", {"x", "a"}},     {"infer_stepz", {4, "a"}},
                          {"_comment", {"hello", "a"}},  {"infer_steps", {4, "a"}}};

  EXPECT_THAT(names_with(settings, KeyUse::kMemory), testing::ElementsAre("cpu_offload"));
  EXPECT_THAT(names_with(settings, KeyUse::kNoEffect), testing::ElementsAre("rope_type"));
  EXPECT_THAT(unknown_names(settings), testing::ElementsAre("infer_stepz"));
}

}  // namespace
}  // namespace reel::compat::lightx2v
