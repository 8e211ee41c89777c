// SPDX-License-Identifier: Apache-2.0
#include "hub/content_hash.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::hub {
namespace {

std::string hash_of(HashKind kind, std::string_view text, size_t step) {
  ContentHash hash(kind, text.size());
  for (size_t at = 0; at < text.size(); at += step) {
    hash.add(std::as_bytes(std::span(text.substr(at, step))));
  }
  return hash.hex();
}

// FIPS 180-2, appendix B.
TEST(ContentHash, IsSha256) {
  EXPECT_EQ(hash_of(HashKind::kSha256, "", 1),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of(HashKind::kSha256, "abc", 2),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of(HashKind::kSha256, std::string(1'000'000, 'a'), 12'345),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// git hash-object
TEST(ContentHash, IsGitsBlobSha1) {
  EXPECT_EQ(hash_of(HashKind::kGitSha1, "", 1), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(hash_of(HashKind::kGitSha1, "hello world\n", 5),
            "3b18e512dba79e4c8300dd08aeb37f8e728b8dad");
}

TEST(ContentHash, OfAFileLooksAtTheStopFlag) {
  const test::TempFolder folder;
  std::ofstream(folder / "a") << std::string(9'000'000, 'a');
  StopFlag stop;
  EXPECT_EQ(hash_file(folder / "a", HashKind::kSha256, stop),
            hash_of(HashKind::kSha256, std::string(9'000'000, 'a'), 1 << 20));
  stop.request();
  EXPECT_REEL_ERROR(hash_file(folder / "a", HashKind::kSha256, stop), kCancelled, "Stopped");
}

TEST(ContentHash, KnowsADigestWhenItSeesOne) {
  EXPECT_TRUE(is_digest(HashKind::kSha256, std::string(64, 'a')));
  EXPECT_TRUE(is_digest(HashKind::kGitSha1, std::string(40, '0')));
  EXPECT_FALSE(is_digest(HashKind::kSha256, std::string(40, '0')));
  EXPECT_FALSE(is_digest(HashKind::kGitSha1, std::string(39, '0') + "G"));
  EXPECT_FALSE(is_digest(HashKind::kGitSha1, std::string(37, '0') + "../"));
}

}  // namespace
}  // namespace reel::hub
