// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/environment.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <map>

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

std::vector<std::string> checked(const std::map<std::string, std::string>& variables) {
  return check_environment([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

TEST(Environment, WhatChangesNothingIsNamed) {
  EXPECT_THAT(checked({{"DTYPE", "FP16"},
                       {"SENSITIVE_LAYER_DTYPE", "None"},
                       {"PROFILING_DEBUG_LEVEL", "2"},
                       {"CUDA_VISIBLE_DEVICES", "1"},
                       {"HOME", "/"}}),
              testing::ElementsAre("DTYPE", "SENSITIVE_LAYER_DTYPE", "PROFILING_DEBUG_LEVEL"));
}

TEST(Environment, WhatSaysTheSameAsReelIsNot) {
  EXPECT_THAT(checked({{"DTYPE", "BF16"},
                       {"SENSITIVE_LAYER_DTYPE", "FP32"},
                       {"PROFILING_DEBUG_LEVEL", "0"},
                       {"PLATFORM", "cuda"},
                       {"WORLD_SIZE", "1"}}),
              testing::IsEmpty());
}

TEST(Environment, SeveralProcessesAreRefused) {
  const Error error = test::error_of([] { checked({{"WORLD_SIZE", "8"}}); });

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(test::contains(error.what(), "WORLD_SIZE is \"8\"")) << error.what();
}

TEST(Environment, ThePageListsThemAll) {
  std::ifstream file(REEL_LIGHTX2V_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const char* name : ignored_variables()) {
    EXPECT_TRUE(test::contains(page, '`' + std::string(name) + '`')) << name;
  }
}

}  // namespace
}  // namespace reel::compat::lightx2v
