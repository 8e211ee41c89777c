// SPDX-License-Identifier: Apache-2.0
#include "server/http/api_keys.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::server {
namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class ApiKeysTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_ / "keys"; }
  test::TempFolder folder_;
};

TEST_F(ApiKeysTest, KnowsItsKeysAndKeepsNone) {
  const std::string anna = ApiKeys::add(file(), "anna"), bert = ApiKeys::add(file(), "bert");

  const ApiKeys keys(file());

  EXPECT_EQ(keys.name_of(anna), "anna");
  EXPECT_EQ(keys.name_of(bert), "bert");
  EXPECT_EQ(keys.name_of(anna + "x"), std::nullopt);
  EXPECT_EQ(keys.name_of(""), std::nullopt);
  EXPECT_EQ(read(file()).find(anna), std::string::npos);
  EXPECT_EQ(anna.size(), 3u + 64);
}

TEST_F(ApiKeysTest, HashesWithSha256) {
  // printf abc | sha256sum
  std::ofstream(file())
      << "# comment\n\n"
         "test ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";

  EXPECT_EQ(ApiKeys(file()).name_of("abc"), "test");
}

TEST_F(ApiKeysTest, NamesTheLineThatIsWrong) {
  std::ofstream(file()) << "# fine\nanna 1234\n";
  EXPECT_REEL_ERROR((void)ApiKeys(file()), kBadFile, "Line 2");
  std::ofstream(file()) << "# nobody\n";
  EXPECT_REEL_ERROR((void)ApiKeys(file()), kBadFile, "has no key");
  EXPECT_REEL_ERROR((void)ApiKeys(folder_ / "absent"), kNotFound, "absent");
}

TEST_F(ApiKeysTest, RefusesNamesThatAreTakenOrStrange) {
  ApiKeys::add(file(), "anna");
  EXPECT_REEL_ERROR(ApiKeys::add(file(), "anna"), kInvalidArgument, "already");
  EXPECT_REEL_ERROR(ApiKeys::add(file(), "a b"), kInvalidArgument, "a b");
  EXPECT_NO_THROW(ApiKeys::add(file(), "ann"));
}

}  // namespace
}  // namespace reel::server
