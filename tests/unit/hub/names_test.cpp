// SPDX-License-Identifier: Apache-2.0
#include "hub/names.h"

#include <gtest/gtest.h>

namespace reel::hub {
namespace {

using namespace std::string_view_literals;

TEST(Names, PathsStayBelowTheirFolder) {
  for (const auto path : {"a"sv, "a/b.json"sv, "google/umt5-xxl/spiece.model"sv, ".gitattributes"sv,
                          "a b/c#1"sv, "..a/b.."sv, "\xe6\xa8\xa1/x"sv}) {
    EXPECT_TRUE(is_safe_path(path)) << path;
  }
  for (const auto path : {""sv, "/a"sv, "a/"sv, "a//b"sv, "."sv, ".."sv, "../a"sv, "a/../b"sv,
                          "a/.."sv, "a/./b"sv, "a\\b"sv, "a\nb"sv, "a\0b"sv, "\x7f"sv}) {
    EXPECT_FALSE(is_safe_path(path)) << path;
  }
  EXPECT_FALSE(is_safe_path(std::string(256, 'a')));
  EXPECT_FALSE(is_safe_path(std::string(2000, 'a')));
  EXPECT_TRUE(is_safe_path(std::string(255, 'a') + '/' + std::string(255, 'b')));
}

TEST(Names, RepositoriesHaveTwoPlainWords) {
  EXPECT_TRUE(is_repository_id("lightx2v/Wan2.1-T2V-14B-StepDistill-CfgDistill-Lightx2v"));
  EXPECT_TRUE(is_repository_id("Comfy-Org/Wan_2.1_ComfyUI_repackaged"));
  for (const char* id : {"", "a", "/", "a/", "/b", "a/b/c", "a/..", "../b", "a/b c", "a/b?c",
                         "a/b--c", "-a/b", "a/b.", "https://a/b"}) {
    EXPECT_FALSE(is_repository_id(id)) << id;
  }
}

TEST(Names, CommitsAreWhole) {
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_TRUE(is_revision("refs/pr/1"));
  EXPECT_FALSE(is_revision("../main"));
  EXPECT_FALSE(is_revision(""));
}

TEST(Names, AddressesAreEncoded) {
  EXPECT_EQ(url_encoded("a b/c#1?.json", true), "a%20b/c%231%3F.json");
  EXPECT_EQ(url_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
  EXPECT_EQ(url_encoded("\xe6~%", true), "%E6~%25");
}

TEST(Names, AServersTextIsOneLine) {
  EXPECT_EQ(printable("Access\r\n is\x1b[31m restricted. "), "Access   is [31m restricted");
  EXPECT_EQ(printable(std::string(300, 'a'), 10), std::string(10, 'a') + "...");
}

}  // namespace
}  // namespace reel::hub
