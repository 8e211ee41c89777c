// SPDX-License-Identifier: Apache-2.0
#include "hub/pull_record.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/temp_folder.h"

namespace reel::hub {
namespace {

PullRecord record() {
  return {.model = "maker/model",
          .cache = "/cache",
          .files = {{.path = "a/b",
                     .repository = "maker/model",
                     .commit = std::string(40, '1'),
                     .remote_path = "b",
                     .size_bytes = 7,
                     .id = {HashKind::kSha256, std::string(64, '2')},
                     .was_downloaded = true}}};
}

TEST(PullRecord, IsReadBackAsItWasWritten) {
  const test::TempFolder folder;
  write_record(folder.path(), record());
  const auto read = read_record(folder.path());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->model, "maker/model");
  EXPECT_EQ(read->cache, "/cache");
  ASSERT_NE(read->find("a/b"), nullptr);
  EXPECT_EQ(read->find("b"), nullptr);
  EXPECT_EQ(read->files[0].id, record().files[0].id);
  EXPECT_EQ(read->files[0].size_bytes, 7u);
  EXPECT_TRUE(read->files[0].was_downloaded);
}

// A record decides what is removed: one that somebody else wrote must not lead elsewhere.
TEST(PullRecord, RefusesPathsThatLeadOut) {
  const test::TempFolder folder;
  EXPECT_FALSE(read_record(folder.path()).has_value());
  for (const char* path : {"../precious", "/etc/passwd", "a/../../b", ""}) {
    PullRecord bad = record();
    bad.files[0].path = path;
    write_record(folder.path(), bad);
    EXPECT_FALSE(read_record(folder.path()).has_value()) << path;
  }
  PullRecord bad = record();
  bad.files[0].repository = "../..";
  write_record(folder.path(), bad);
  EXPECT_FALSE(read_record(folder.path()).has_value());
}

TEST(PullRecord, RefusesDamage) {
  const test::TempFolder folder;
  write_record(folder.path(), record());
  std::ifstream in(folder / kRecordName);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  for (size_t cut = 0; cut + 2 < text.size(); cut += 7) {
    std::ofstream(folder / kRecordName) << text.substr(0, cut);
    EXPECT_FALSE(read_record(folder.path()).has_value()) << cut;
  }
}

}  // namespace
}  // namespace reel::hub
