// SPDX-License-Identifier: Apache-2.0
#include "hub/file_filter.h"

#include <gtest/gtest.h>

namespace reel::hub {
namespace {

TEST(FileFilter, PatternsAreTheHubs) {
  EXPECT_TRUE(matches("*.json", "a/b.json"));
  EXPECT_TRUE(matches("distill_fp8/*", "distill_fp8/block_0.safetensors"));
  EXPECT_TRUE(matches("distill_fp8/", "distill_fp8/a/b"));
  EXPECT_TRUE(matches("block_[0-9].*", "block_7.bin"));
  EXPECT_TRUE(matches("a", "a"));
  EXPECT_FALSE(matches("a", "a/b"));
  EXPECT_FALSE(matches("*.JSON", "a.json"));
  EXPECT_TRUE(matches("a\\b", "a\\b"));
}

TEST(FileFilter, ExcludeWinsOverInclude) {
  EXPECT_TRUE(is_wanted("a.json", {}, {}));
  EXPECT_TRUE(is_wanted("a.json", {"*.bin", "*.json"}, {}));
  EXPECT_FALSE(is_wanted("a.json", {"*.bin"}, {}));
  EXPECT_FALSE(is_wanted("a.json", {"*.json"}, {"a*"}));
}

}  // namespace
}  // namespace reel::hub
