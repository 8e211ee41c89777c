// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_cache.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

class HubCacheTest : public testing::Test {
 protected:
  void add_blob(const std::string& hex, const std::string& content) {
    fs::create_directories(folder_ / "models--maker--model/blobs");
    std::ofstream(folder_ / ("models--maker--model/blobs/" + hex)) << content;
  }
  static Listing listing(char digit) {
    return {.repository = "maker/model",
            .revision = "main",
            .commit = std::string(40, digit),
            .files = {}};
  }
  static RemoteFile file(const std::string& path = "sub/a.json") {
    return {.path = path, .size_bytes = 5, .id = {HashKind::kGitSha1, std::string(40, 'a')}};
  }
  test::TempFolder folder_;
  const HubCache cache_{folder_.path()};
};

TEST_F(HubCacheTest, FindsABlobOfTheRightSize) {
  EXPECT_FALSE(cache_.find("maker/model", file()).has_value());
  add_blob(file().id.hex, "1234");
  EXPECT_FALSE(cache_.find("maker/model", file()).has_value());
  add_blob(file().id.hex, "12345");
  EXPECT_EQ(cache_.find("maker/model", file()),
            folder_ / ("models--maker--model/blobs/" + file().id.hex));
}

// As huggingface_hub lays it out: relative links, the commit in refs/main.
TEST_F(HubCacheTest, LinksBlobsIntoASnapshot) {
  add_blob(file().id.hex, "12345");
  const fs::path link = cache_.add_to_snapshot(listing('1'), file());
  EXPECT_EQ(link,
            folder_ / ("models--maker--model/snapshots/" + std::string(40, '1') + "/sub/a.json"));
  EXPECT_EQ(fs::read_symlink(link), "../../../blobs/" + file().id.hex);
  EXPECT_EQ(cache_.add_to_snapshot(listing('1'), file()), link);
  cache_.set_revision(listing('1'));
  std::string commit;
  std::ifstream(folder_ / "models--maker--model/refs/main") >> commit;
  EXPECT_EQ(commit, std::string(40, '1'));
}

TEST_F(HubCacheTest, RemovesABlobWithItsLastLink) {
  add_blob(file().id.hex, "12345");
  cache_.add_to_snapshot(listing('1'), file());
  cache_.add_to_snapshot(listing('2'), file());
  EXPECT_EQ(cache_.remove("maker/model", std::string(40, '1'), "sub/a.json", file().id), 0u);
  EXPECT_TRUE(cache_.find("maker/model", file()).has_value());
  EXPECT_EQ(cache_.remove("maker/model", std::string(40, '2'), "sub/a.json", file().id), 5u);
  EXPECT_FALSE(cache_.find("maker/model", file()).has_value());
  EXPECT_TRUE(fs::is_empty(folder_ / "models--maker--model/snapshots"));
}

TEST_F(HubCacheTest, RemovesNothingElse) {
  add_blob(file().id.hex, "12345");
  const fs::path link = cache_.add_to_snapshot(listing('1'), file());
  std::ofstream(folder_ / "precious") << "mine";
  fs::remove(link);
  fs::create_symlink(folder_ / "precious", link);  // not the cache's own
  EXPECT_EQ(cache_.remove("maker/model", std::string(40, '1'), "sub/a.json", file().id), 5u);
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(cache_.remove("maker/model", std::string(40, '1'), "../../../../precious", file().id),
            0u);
  EXPECT_EQ(cache_.remove("../model", std::string(40, '1'), "a", file().id), 0u);
  EXPECT_EQ(cache_.remove("maker/model", "..", "a", file().id), 0u);
  EXPECT_TRUE(fs::exists(folder_ / "precious"));
}

}  // namespace
}  // namespace reel::hub
