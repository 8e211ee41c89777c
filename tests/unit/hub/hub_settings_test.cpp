// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_settings.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/hub/environment.h"

namespace reel::hub {
namespace {

class HubSettingsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"HF_ENDPOINT", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "HF_HUB_CACHE",
                             "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME",
                             "HF_HUB_DISABLE_IMPLICIT_TOKEN", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
      environment_.set(name, std::nullopt);
    }
    environment_.set("HOME", folder_.path().string());
  }
  test::TempFolder folder_;
  test::Environment environment_;
};

TEST_F(HubSettingsTest, HasTheHubsDefaults) {
  const HubSettings settings = hub_settings();
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.token, "");
  EXPECT_EQ(settings.cache, folder_ / ".cache/huggingface/hub");
}

TEST_F(HubSettingsTest, FollowsTheHubsVariables) {
  environment_.set("HF_ENDPOINT", "http://mirror.example:8080/hub/");
  environment_.set("HF_TOKEN", " hf_abc\n");
  environment_.set("HF_HOME", (folder_ / "home").string());
  EXPECT_EQ(hub_settings().endpoint, "http://mirror.example:8080/hub");
  EXPECT_EQ(hub_settings().token, "hf_abc");
  EXPECT_EQ(hub_settings().cache, folder_ / "home/hub");
  environment_.set("HF_HUB_CACHE", (folder_ / "cache").string());
  EXPECT_EQ(hub_cache_folder(), folder_ / "cache");
}

TEST_F(HubSettingsTest, ReadsTheTokenOfALogin) {
  std::filesystem::create_directories(folder_ / ".cache/huggingface");
  std::ofstream(folder_ / ".cache/huggingface/token") << "hf_stored\n";
  EXPECT_EQ(hub_settings().token, "hf_stored");
  environment_.set("HF_TOKEN", "hf_given");
  EXPECT_EQ(hub_settings().token, "hf_given");
  environment_.set("HF_TOKEN", std::nullopt);
  environment_.set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
  EXPECT_EQ(hub_settings().token, "");
}

TEST_F(HubSettingsTest, RefusesWhatCannotBeWithoutRepeatingTheToken) {
  environment_.set("HF_TOKEN", "hf_abc\r\nHost: evil");
  try {
    hub_settings();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("abc"), std::string::npos);
  }
  environment_.set("HF_TOKEN", std::nullopt);
  for (const char* endpoint :
       {"huggingface.co", "ftp://a", "http://user:word@a", "http://a b", "file:///etc"}) {
    environment_.set("HF_ENDPOINT", endpoint);
    EXPECT_REEL_ERROR(hub_settings(), kInvalidArgument, "a web address is needed");
  }
  environment_.set("HF_ENDPOINT", std::nullopt);
  environment_.set("HF_HUB_OFFLINE", "1");
  EXPECT_REEL_ERROR(hub_settings(), kInvalidArgument, "HF_HUB_OFFLINE is set");
}

}  // namespace
}  // namespace reel::hub
