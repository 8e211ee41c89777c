// SPDX-License-Identifier: Apache-2.0
#include "hub/model_folders.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/hub/environment.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

class ModelFoldersTest : public testing::Test {
 protected:
  void SetUp() override {
    environment_.set("REEL_MODELS", (folder_ / "one").string() + "::" + (folder_ / "two").string());
    fs::create_directories(folder_ / "one/a");
    fs::create_directories(folder_ / "two/a");
    fs::create_directories(folder_ / "two/b/c");
    fs::create_directories(folder_ / "two/maker--model");
  }
  test::TempFolder folder_;
  test::Environment environment_;
};

TEST_F(ModelFoldersTest, TheFirstFolderWins) {
  EXPECT_EQ(find_model("a"), folder_ / "one/a");
  EXPECT_EQ(find_model("b/c"), folder_ / "two/b/c");
  EXPECT_EQ(find_model("maker/model"), folder_ / "two/maker--model");
  EXPECT_EQ(find_model("nothing"), "nothing");
  EXPECT_EQ(find_model(""), "");
}

TEST_F(ModelFoldersTest, APathIsThatPath) {
  EXPECT_EQ(find_model((folder_ / "two/a").string()), folder_ / "two/a");
  EXPECT_FALSE(find_on_search_path("../two/a").has_value());
}

TEST_F(ModelFoldersTest, ACatalogueNameSaysHowToGetIt) {
  EXPECT_REEL_ERROR(find_model("wan2.1-t2v-14b-fp8"), kNotFound,
                    "Get it with: reel pull wan2.1-t2v-14b-fp8");
  fs::create_directories(folder_ / "two/wan2.1-t2v-14b-fp8");
  EXPECT_EQ(find_model("wan2.1-t2v-14b-fp8"), folder_ / "two/wan2.1-t2v-14b-fp8");
}

TEST_F(ModelFoldersTest, WithoutTheVariableItIsTheDataFolder) {
  environment_.set("REEL_MODELS", std::nullopt);
  environment_.set("XDG_DATA_HOME", (folder_ / "data").string());
  EXPECT_EQ(search_folders(), std::vector<fs::path>{folder_ / "data/reel/models"});
}

}  // namespace
}  // namespace reel::hub
