// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_json.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::hub {
namespace {

const std::string kSha1(40, '1');
const std::string kSha256(64, '2');

std::string entry(const std::string& path, const std::string& size = "5",
                  const std::string& more = "") {
  return R"([{"type":"file","path":")" + path + R"(","size":)" + size + R"(,"oid":")" + kSha1 +
         "\"" + more + "}]";
}

TEST(HubJson, ReadsFilesOfBothKinds) {
  const auto files = read_tree_page(
      R"([{"type":"directory","path":"distill_fp8","oid":"x","size":0},
          {"type":"file","path":"config.json","size":12,"oid":")" +
          kSha1 + R"(","xetHash":"z"},
          {"type":"file","path":"distill_fp8/block_0.safetensors","size":134,"oid":")" +
          kSha1 + R"(","lfs":{"oid":")" + kSha256 + R"(","size":351755264,"pointerSize":134}}])",
      "hub");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, "config.json");
  EXPECT_EQ(files[0].size_bytes, 12u);
  EXPECT_EQ(files[0].id, (ContentId{HashKind::kGitSha1, kSha1}));
  EXPECT_EQ(files[1].size_bytes, 351'755'264u);
  EXPECT_EQ(files[1].id, (ContentId{HashKind::kSha256, kSha256}));
  EXPECT_TRUE(read_tree_page("[]", "hub").empty());
}

TEST(HubJson, RefusesWhatIsNoList) {
  for (const char* text :
       {"", "{}", "null", "<html>", "[", "[1]", "[[]]", "\"a\"", "{\"error\":1}"}) {
    EXPECT_REEL_ERROR(read_tree_page(text, "the hub"), kBadFile, "the hub answered ");
  }
}

TEST(HubJson, RefusesPathsThatLeadOut) {
  for (const char* path :
       {"../a", "/etc/passwd", "a/../../b", "a\\\\b", "", "a\\u0000b", "a\\nb"}) {
    EXPECT_REEL_ERROR(read_tree_page(entry(path), "hub"), kBadFile, "leads out of a folder");
  }
  EXPECT_REEL_ERROR(read_tree_page(R"([{"type":"file","size":1}])", "hub"), kBadFile, "no path");
  EXPECT_REEL_ERROR(read_tree_page(R"([{"type":"file","path":7}])", "hub"), kBadFile, "no path");
}

TEST(HubJson, RefusesSizesThatCannotBe) {
  for (const char* size : {"-1", "1.5", "\"5\"", "null", "1e30", "9223372036854775808",
                           "8796093022209", "18446744073709551615"}) {
    EXPECT_REEL_ERROR(read_tree_page(entry("a", size), "hub"), kBadFile, "no possible size");
  }
  EXPECT_EQ(read_tree_page(entry("a", "8796093022208"), "hub")[0].size_bytes, kMostFileBytes);
}

TEST(HubJson, RefusesDigestsThatAreNone) {
  EXPECT_REEL_ERROR(
      read_tree_page(R"([{"type":"file","path":"a","size":1,"oid":"../../x"}])", "hub"), kBadFile,
      "no git sha1");
  EXPECT_REEL_ERROR(read_tree_page(entry("a", "5", R"(,"lfs":{"size":5,"oid":"abc"})"), "hub"),
                    kBadFile, "no sha256");
}

TEST(HubJson, ReadsACommit) {
  EXPECT_EQ(read_commit(R"({"id":"a/b","sha":")" + kSha1 + "\"}", "hub"), kSha1);
  for (const char* text :
       {"", "[]", "{}", R"({"sha":1})", R"({"sha":"main"})", R"({"sha":"../x"})"}) {
    EXPECT_REEL_ERROR(read_commit(text, "hub"), kBadFile, "hub answered ");
  }
}

TEST(HubJson, FindsTheNextPage) {
  EXPECT_EQ(next_page("<https://hub/api?cursor=a%3D>; rel=\"next\""),
            "https://hub/api?cursor=a%3D");
  EXPECT_EQ(next_page("<https://hub/1>; rel=\"prev\", <https://hub/2>; rel=\"next\""),
            "https://hub/2");
  for (const char* header :
       {"", "<", ">", "<a", "<a>; rel=\"prev\"", ",,,", "a>; rel=\"next\"", "<a>, rel"}) {
    EXPECT_EQ(next_page(header), "") << header;
  }
}

}  // namespace
}  // namespace reel::hub
