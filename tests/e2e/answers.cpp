// SPDX-License-Identifier: Apache-2.0
#include "e2e/answers.h"

#include <gtest/gtest.h>

#include "e2e/scene.h"

namespace reel::test {

namespace fs = std::filesystem;

Outcome expect_ok(const Command& command) {
  Outcome outcome = run_program(command);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome;
}

Outcome expect_ok(const Scene& scene) { return expect_ok(scene.command); }

nlohmann::json answer(const Command& command) {
  const Outcome outcome = expect_ok(command);
  nlohmann::json parsed = nlohmann::json::parse(outcome.out, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << outcome.out;
  return parsed;
}

nlohmann::json answer(const Scene& scene) { return answer(scene.command); }

std::vector<std::string> saved_jobs(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& job : fs::directory_iterator(folder / "state/reel/jobs", none)) {
    names.push_back(job.path().filename().string());
  }
  return names;
}

}  // namespace reel::test
