// SPDX-License-Identifier: Apache-2.0
#include "hub/remove.h"

#include <gtest/gtest.h>
#include <reel/hub.h>

#include <fstream>

#include "hub/hub_cache.h"
#include "hub/installed.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/hub/environment.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

class RemoveTest : public testing::Test {
 protected:
  void SetUp() override { environment_.set("REEL_MODELS", models_.string()); }

  void put(const fs::path& path, const std::string& content) const {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  // A model of links into the cache, as pull() makes it, of one file of 5 bytes.
  void add_pulled(const std::string& name, bool was_downloaded) const {
    const HubCache cache(folder_ / "cache");
    const RemoteFile file{.path = "x.pth", .size_bytes = 5, .id = id_};
    put(cache.blob("maker/model", id_), "12345");
    const fs::path link = cache.add_to_snapshot(
        {.repository = "maker/model", .revision = "main", .commit = commit_, .files = {}}, file);
    fs::create_directories(models_ / name / "sub");
    fs::create_symlink(link, models_ / name / "sub/x.pth");
    PullRecord record{
        .model = name,
        .cache = folder_ / "cache",
        .files = {{"sub/x.pth", "maker/model", commit_, "x.pth", 5, id_, was_downloaded}}};
    keep_ownership(record);
    write_record(models_ / name, record);
  }
  fs::path blob() const { return HubCache(folder_ / "cache").blob("maker/model", id_); }

  test::TempFolder folder_;
  const fs::path models_ = folder_ / "models";
  const std::string commit_ = std::string(40, '1');
  const ContentId id_{HashKind::kSha256, std::string(64, '2')};
  test::Environment environment_;
};

TEST_F(RemoveTest, TakesSlabsWithTheirModel) {
  add_pulled("a", true);
  put(models_ / "a/sub/reel.slab", "1234567");
  put(models_ / "alone.slab", "123");

  const auto models = installed_models();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].slabs, std::vector<std::string>{(models_ / "a/sub/reel.slab").string()});
  EXPECT_EQ(models[1].slabs.size(), 1u);
  EXPECT_EQ(plan_removal("a").size_bytes, 12u);
  EXPECT_EQ(plan_removal("a").files, 2u);
  EXPECT_EQ(remove_model("a"), 12u);
  EXPECT_FALSE(fs::exists(models_ / "a"));
}

TEST_F(RemoveTest, ListsWhatHoldsWeights) {
  EXPECT_TRUE(installed_models().empty());
  put(models_ / "b.gguf", "1234567");
  put(models_ / "own/deep/w.safetensors", "123");
  put(models_ / "notes/readme.txt", "no model");
  put(models_ / ".hidden/w.safetensors", "123");
  add_pulled("a", true);
  const auto models = installed_models();
  ASSERT_EQ(models.size(), 3u);
  EXPECT_EQ(models[0].name, "a");
  EXPECT_TRUE(models[0].is_pulled);
  EXPECT_TRUE(models[0].missing.empty());
  EXPECT_EQ(models[1].name, "b.gguf");
  EXPECT_EQ(models[1].size_bytes, 7u);
  EXPECT_EQ(models[2].name, "own");
  EXPECT_FALSE(models[2].is_pulled);
  fs::remove(blob());
  EXPECT_EQ(installed_models()[0].missing, std::vector<std::string>{"sub/x.pth"});
}

TEST_F(RemoveTest, TakesWhatPullBroughtOutOfTheCache) {
  add_pulled("a", true);
  EXPECT_EQ(plan_removal("a").size_bytes, 5u);
  EXPECT_EQ(remove_model("a"), 5u);
  EXPECT_FALSE(fs::exists(blob()));
  EXPECT_FALSE(fs::exists(models_ / "a"));
}

TEST_F(RemoveTest, LeavesInTheCacheWhatWasThereBefore) {
  add_pulled("a", false);
  EXPECT_EQ(plan_removal("a").size_bytes, 0u);
  EXPECT_EQ(remove_model("a"), 0u);
  EXPECT_TRUE(fs::exists(blob()));
  EXPECT_FALSE(fs::exists(models_ / "a"));
}

TEST_F(RemoveTest, ASharedFileGoesWithTheLastModel) {
  add_pulled("a", true);
  add_pulled("b", false);  // found it in the cache
  EXPECT_EQ(remove_model("a"), 0u);
  EXPECT_TRUE(fs::exists(models_ / "b/sub/x.pth"));
  EXPECT_EQ(remove_model("b"), 5u);
  EXPECT_FALSE(fs::exists(blob()));
}

TEST_F(RemoveTest, LeavesOtherFilesInAPulledFolder) {
  add_pulled("a", true);
  put(models_ / "a/sub/mine.txt", "mine");
  remove_model("a");
  EXPECT_TRUE(fs::exists(models_ / "a/sub/mine.txt"));
  EXPECT_FALSE(fs::exists(models_ / "a" / kRecordName));
}

TEST_F(RemoveTest, FollowsNoLinkOut) {
  put(folder_ / "precious/w.safetensors", "12345");
  fs::create_directories(models_ / "own");
  put(models_ / "own/w.safetensors", "123");
  fs::create_directory_symlink(folder_ / "precious", models_ / "own/folder");
  fs::create_symlink(folder_ / "precious/w.safetensors", models_ / "own/file.safetensors");
  fs::create_directory_symlink(folder_ / "precious", models_ / "linked");
  EXPECT_EQ(plan_removal("own").size_bytes, 3u);
  EXPECT_EQ(remove_model("own"), 3u);
  EXPECT_EQ(plan_removal("linked").size_bytes, 0u);
  remove_model("linked");
  EXPECT_TRUE(fs::exists(folder_ / "precious/w.safetensors"));
  EXPECT_TRUE(installed_models().empty());

  fs::create_directories(models_ / "p");
  fs::create_directory_symlink(folder_ / "precious", models_ / "p/sub");
  EXPECT_FALSE(remove_below(models_ / "p", "sub/w.safetensors"));
  EXPECT_FALSE(remove_below(models_ / "p", "../../precious/w.safetensors"));
  EXPECT_TRUE(fs::exists(folder_ / "precious/w.safetensors"));
}

TEST_F(RemoveTest, KnowsOnlyNamesOfTheList) {
  put(folder_ / "outside/w.safetensors", "12345");
  for (const char* name : {"nothing", "../outside", ".", "..", "", "/"}) {
    EXPECT_REEL_ERROR(remove_model(name), kNotFound, "There is no model");
  }
  EXPECT_TRUE(fs::exists(folder_ / "outside/w.safetensors"));
}

}  // namespace
}  // namespace reel::hub
