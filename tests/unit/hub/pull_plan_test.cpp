// SPDX-License-Identifier: Apache-2.0
#include "hub/pull_plan.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/hub/environment.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;
using Source = PlannedFile::Source;

class PullPlanTest : public testing::Test {
 protected:
  void SetUp() override {
    environment_.set("REEL_MODELS", (folder_ / "models").string());
    listing_.files = {{"a.json", 5, {HashKind::kGitSha1, kOf12345}}};
    selection_.files = {{&listing_, listing_.files[0], "sub/a.json"}};
  }
  void put(const fs::path& path, const std::string& content) const {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  PullPlan plan() {
    PullPlan made = begin_plan(request_);
    const StopFlag stop;
    HttpClient http;
    const HubApi api(http, {.endpoint = "http://hub.invalid"}, {}, stop);
    plan_files(made, selection_, request_, cache_, api, stop);
    return made;
  }
  fs::path blob() const { return cache_.blob("maker/model", {HashKind::kGitSha1, kOf12345}); }

  // printf 12345 | git hash-object --stdin
  static constexpr const char* kOf12345 = "bd41cba781d8349272bf3eb92568285b411c027c";
  test::TempFolder folder_;
  test::Environment environment_;
  HubCache cache_{folder_ / "cache"};
  Listing listing_{
      .repository = "maker/model", .revision = "main", .commit = std::string(40, '1'), .files = {}};
  Selection selection_;
  PullRequest request_{.model = "maker/model"};
};

TEST_F(PullPlanTest, GoesToTheCacheAndTheFolderOfModels) {
  const PullPlan made = plan();
  EXPECT_TRUE(made.has_links);
  EXPECT_EQ(made.folder, folder_ / "models/maker--model");
  ASSERT_TRUE(made.files[0].wanted.has_value());
  EXPECT_EQ(made.files[0].wanted->url,
            "http://hub.invalid/maker/model/resolve/" + std::string(40, '1') + "/a.json");
  EXPECT_EQ(made.files[0].wanted->place.destination, blob());
}

TEST_F(PullPlanTest, UsesWhatIsInTheCache) {
  put(blob(), "12345");
  EXPECT_EQ(plan().files[0].source, Source::kHere);
  request_.local_dir = folder_ / "local";
  EXPECT_EQ(plan().files[0].source, Source::kCache);
  put(blob(), "1234x");
  EXPECT_EQ(plan().files[0].source, Source::kCache);  // trusted by its name
  request_.verify = true;
  EXPECT_EQ(plan().files[0].source, Source::kDownload);
}

TEST_F(PullPlanTest, LooksIntoTheLocalFolder) {
  request_.local_dir = (folder_ / "local").string() + '/';
  EXPECT_EQ(plan().folder, folder_ / "local");
  EXPECT_EQ(plan().files[0].wanted->place.destination, folder_ / "local/sub/a.json");
  put(folder_ / "local/sub/a.json", "12345");
  EXPECT_EQ(plan().files[0].source, Source::kHere);
  put(folder_ / "local/sub/a.json", "other");
  EXPECT_REEL_ERROR(plan(), kInvalidArgument, "is there and is not the published file");
  request_.overwrite = true;
  EXPECT_EQ(plan().files[0].source, Source::kDownload);
}

TEST_F(PullPlanTest, LeavesAForeignFolderAlone) {
  fs::create_directories(folder_ / "models/maker--model");
  EXPECT_REEL_ERROR(begin_plan(request_), kInvalidArgument, "was not made by reel pull");
  write_record(folder_ / "models/maker--model",
               {.model = "maker/model", .cache = "/c", .files = {}});
  EXPECT_TRUE(begin_plan(request_).has_links);
  write_record(folder_ / "models/maker--model", {.model = "maker/model", .cache = {}, .files = {}});
  EXPECT_FALSE(begin_plan(request_).has_links);
}

TEST_F(PullPlanTest, NeedsRoomForWhatIsMissing) {
  require_free_space(plan(), cache_);
  selection_.files[0].file.size_bytes = uint64_t{1} << 43;
  EXPECT_REEL_ERROR(require_free_space(plan(), cache_), kIo, "The download needs 8.0 TiB at \"");
}

}  // namespace
}  // namespace reel::hub
