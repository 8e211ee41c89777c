// SPDX-License-Identifier: Apache-2.0
#include "base/json_depth.h"

#include <gtest/gtest.h>

#include <string>

namespace reel {
namespace {

std::string lists(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonDepth, CountsWhatStandsInOneAnother) {
  EXPECT_FALSE(is_json_too_deep(""));
  EXPECT_FALSE(is_json_too_deep(lists(kDeepestJson)));
  EXPECT_TRUE(is_json_too_deep(lists(kDeepestJson + 1)));
  std::string objects;
  for (size_t depth = 0; depth <= kDeepestJson; ++depth) objects += "{\"a\":";
  EXPECT_TRUE(is_json_too_deep(objects));
}

TEST(JsonDepth, NotWhatStandsSideBySide) {
  std::string text = "[";
  for (size_t count = 0; count < 3 * kDeepestJson; ++count) text += "[{}],";
  EXPECT_FALSE(is_json_too_deep(text + "1]"));
  EXPECT_FALSE(is_json_too_deep(std::string(3 * kDeepestJson, ']') + lists(kDeepestJson)));
}

TEST(JsonDepth, NotLettersOfStrings) {
  const std::string brackets(2 * kDeepestJson, '[');
  EXPECT_FALSE(is_json_too_deep("{\"a\":\"" + brackets + "\"}"));
  EXPECT_FALSE(is_json_too_deep(R"({"a":"\")" + brackets + "\"}"));
  EXPECT_TRUE(is_json_too_deep(R"({"a":"\\")" + brackets));
}

}  // namespace
}  // namespace reel
