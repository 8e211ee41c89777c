// SPDX-License-Identifier: Apache-2.0
// docs/BAD_INPUT.md is the expectation: every row is built, run with the real program and compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>

#include "e2e/answers.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

struct Row {
  std::string id;
  int exit_code = -1;
  std::string words;
};

// Named in GoogleTest's output.
void PrintTo(const Row& row, std::ostream* out) { *out << row.id; }

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" `");
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(" `") + 1 - begin);
}

// The rows of every table whose first cell is an id in backticks.
std::vector<Row> read_rows() {
  std::ifstream file(REEL_BAD_INPUT_TABLE);
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    for (size_t at = 0; at < line.size() && cells.size() < 4;) {
      const size_t end = line.find('|', at + 1);
      if (end == std::string::npos) break;
      cells.push_back(trimmed(line.substr(at + 1, end - at - 1)));
      at = end;
    }
    if (cells.size() == 4) rows.push_back({cells[0], std::atoi(cells[2].c_str()), cells[3]});
  }
  return rows;
}

std::map<std::string, void (*)(Scene&)> all_builders() {
  std::map<std::string, void (*)(Scene&)> builders;
  for (const auto& list : {weight_file_cases(), model_cases(), request_cases(), download_cases(),
                           output_cases(), slab_cases(), stage_cases(), working_cases()}) {
    for (const Case& one : list) {
      if (!builders.emplace(one.id, one.build).second) ADD_FAILURE() << "twice: " << one.id;
    }
  }
  return builders;
}

// Every file below the folder with its content, but for the program's own state and cache.
std::map<std::string, std::string> tree_of(const fs::path& folder) {
  std::map<std::string, std::string> tree;
  for (auto at = fs::recursive_directory_iterator(folder); at != fs::end(at); ++at) {
    const std::string name = at->path().lexically_relative(folder).string();
    const std::string top = name.substr(0, name.find('/'));
    if (top == "state" || top == "cache") continue;
    const bool is_file = at->is_regular_file() && !at->is_symlink();
    tree[name] = is_file ? read_all(at->path()) : "";
  }
  return tree;
}

// "..", two spaces, a space before a full stop and the like.
void expect_clean_sentence(const std::string& line) {
  EXPECT_FALSE(std::regex_search(line, std::regex(R"([^.]\.\.( |$)|  |,,|;;| [.,;]( |$)|\(\)|"")")))
      << line;
  EXPECT_TRUE(line.ends_with('.') || line.find(": ") != std::string::npos) << line;
}

// One "reel: " sentence and at most one line that says what to do.
void expect_one_message(const Outcome& outcome) {
  const std::vector<std::string> lines = outcome.error_lines();
  ASSERT_GE(lines.size(), 1u) << outcome.err;
  ASSERT_LE(lines.size(), 2u) << outcome.err;
  expect_clean_sentence(lines[0]);
  EXPECT_TRUE(lines[0].ends_with('.')) << lines[0];
  if (lines.size() == 2) {
    EXPECT_TRUE(lines[1].starts_with("  ")) << lines[1];
    expect_clean_sentence(lines[1].substr(2));
  }
  EXPECT_EQ(outcome.out, "");
  for (const char* word : {"please", "Please", "invalid argument", "exception", "Internal error"}) {
    EXPECT_EQ(outcome.err.find(word), std::string::npos) << outcome.err;
  }
}

void expect_nothing_left(const Scene& scene, const std::map<std::string, std::string>& before,
                         const Outcome& outcome) {
  for (const auto& [name, content] : tree_of(scene.folder())) {
    const auto at = before.find(name);
    EXPECT_TRUE(at != before.end()) << name << " was left behind";
    if (at != before.end()) {
      EXPECT_TRUE(at->second == content) << name << " was changed: " << content.substr(0, 200);
    }
  }
  const bool offers_to_resume = outcome.err.find("--resume ") != std::string::npos;
  EXPECT_EQ(saved_jobs(scene.folder()).size(), offers_to_resume ? 1u : 0u) << outcome.err;
}

void expect_success(const Scene& scene, const Outcome& outcome) {
  EXPECT_TRUE(outcome.error_lines().empty()) << outcome.err;
  ASSERT_TRUE(outcome.out.ends_with("\n")) << outcome.out;
  EXPECT_TRUE(fs::exists(scene / outcome.out.substr(0, outcome.out.size() - 1))) << outcome.out;
  for (const auto& [name, content] : tree_of(scene.folder())) {
    EXPECT_EQ(name.find(".part"), std::string::npos) << name << " was left behind";
  }
  EXPECT_TRUE(saved_jobs(scene.folder()).empty());
}

class BadInput : public testing::TestWithParam<Row> {};

TEST_P(BadInput, IsAnsweredAsTheTableSays) {
  const auto builders = all_builders();
  const auto builder = builders.find(GetParam().id);
  ASSERT_TRUE(builder != builders.end()) << "nothing builds this row";
  Scene scene;
  builder->second(scene);
  const auto jobs_before = saved_jobs(scene.folder());
  const auto before = tree_of(scene.folder());

  const Outcome outcome = run_program(scene.command);

  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.exit_code, GetParam().exit_code) << outcome.err;
  EXPECT_NE((outcome.err + outcome.out).find(GetParam().words), std::string::npos)
      << outcome.err << outcome.out;
  EXPECT_EQ(outcome.err.find("runtime error"), std::string::npos) << outcome.err;
  // With the colon of a report; "AddressSanitizer failed to allocate" is what new answers.
  EXPECT_EQ(outcome.err.find("Sanitizer:"), std::string::npos) << outcome.err;
  if (GetParam().exit_code == 0) {
    expect_success(scene, outcome);
    return;
  }
  expect_one_message(outcome);
  if (jobs_before.empty()) expect_nothing_left(scene, before, outcome);
}

std::string test_name(const testing::TestParamInfo<Row>& info) {
  std::string name = info.param.id;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, BadInput, testing::ValuesIn(read_rows()), test_name);

TEST(BadInputTable, HasARowForEveryBuilder) {
  std::set<std::string> ids;
  for (const Row& row : read_rows()) EXPECT_TRUE(ids.insert(row.id).second) << row.id << " twice";
  for (const auto& [id, build] : all_builders()) {
    EXPECT_TRUE(ids.contains(id)) << "no row: " << id;
  }
  EXPECT_EQ(ids.size(), all_builders().size());
}

}  // namespace
}  // namespace reel::test
