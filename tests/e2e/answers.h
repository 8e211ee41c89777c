// SPDX-License-Identifier: Apache-2.0
// What runs of the program that go well answer, and what they leave behind.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "e2e/child.h"

namespace reel::test {

class Scene;

// Runs it; a failure of the test when it does not end with 0.
Outcome expect_ok(const Command& command);
Outcome expect_ok(const Scene& scene);

// The same, and its standard output as JSON; a failure of the test when that is none.
nlohmann::json answer(const Command& command);
nlohmann::json answer(const Scene& scene);

// The names of the jobs that can be resumed, of programs that ran in the folder.
std::vector<std::string> saved_jobs(const std::filesystem::path& folder);

}  // namespace reel::test
