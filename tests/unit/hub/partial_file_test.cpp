// SPDX-License-Identifier: Apache-2.0
#include "hub/partial_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/byte_units.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

class PartialFileTest : public testing::Test {
 protected:
  PartialPlace place() const {
    return {.name = "a/file",
            .partial = folder_ / "blobs/x.reel.incomplete",
            .lock = folder_ / "locks/x.lock",
            .destination = folder_ / "blobs/x",
            .prefix = folder_ / "blobs/x.incomplete"};
  }
  static void append(PartialFile& file, size_t part, const std::string& text) {
    file.append(part, std::as_bytes(std::span(text)));
  }
  std::string content() const {
    std::ifstream in(folder_ / "blobs/x", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TempFolder folder_;
};

TEST_F(PartialFileTest, PartsMayComeInAnyOrderAndWithBreaks) {
  const std::string second(kMiB, 'b');
  {
    PartialFile file(place(), kMiB + 5, 4);
    append(file, 1, "tail");
    append(file, 0, std::string(100, 'a'));
    file.save();
    append(file, 1, "!");  // not written down: fetched again
  }
  EXPECT_EQ(bytes_left_there(place(), kMiB + 5), 104u);
  EXPECT_EQ(bytes_left_there(place(), kMiB + 6), 0u);
  PartialFile file(place(), kMiB + 5, 4);
  append(file, 0, std::string(kMiB - 100, 'a'));
  append(file, 1, "?");
  EXPECT_TRUE(file.map().is_complete());
  file.commit();
  EXPECT_EQ(content(), std::string(kMiB, 'a') + "tail?");
  EXPECT_FALSE(fs::exists(place().partial));
  EXPECT_FALSE(fs::exists(place().partial.string() + ".parts"));
}

TEST_F(PartialFileTest, LeavesNothingOfAFileOfWhichNothingCame) {
  { PartialFile file(place(), 100, 4); }
  EXPECT_FALSE(fs::exists(place().partial));
}

TEST_F(PartialFileTest, TakesOverAPrefix) {
  fs::create_directories(folder_ / "blobs");
  std::ofstream(place().prefix) << "abc";
  EXPECT_EQ(bytes_left_there(place(), 10), 3u);
  PartialFile file(place(), 10, 4);
  EXPECT_EQ(file.map().done(0), 3u);
  append(file, 0, "defghij");
  file.commit();
  EXPECT_EQ(content(), "abcdefghij");
  EXPECT_FALSE(fs::exists(place().prefix));
}

TEST_F(PartialFileTest, LeavesAPrefixThatIsTooLong) {
  fs::create_directories(folder_ / "blobs");
  std::ofstream(place().prefix) << "abcdefghijk";
  PartialFile file(place(), 10, 4);
  EXPECT_EQ(file.map().done_bytes(), 0u);
  EXPECT_TRUE(fs::exists(place().prefix));
}

TEST_F(PartialFileTest, BeginsAnewWithoutAMapOrWithADamagedOne) {
  {
    PartialFile file(place(), 10, 4);
    append(file, 0, "abc");
  }
  EXPECT_EQ(PartialFile(place(), 10, 4).map().done_bytes(), 0u);
  {
    PartialFile file(place(), 10, 4);
    append(file, 0, "abc");
    file.save();
  }
  std::ofstream(place().partial.string() + ".parts") << "damaged";
  EXPECT_EQ(PartialFile(place(), 10, 4).map().done_bytes(), 0u);
}

TEST_F(PartialFileTest, IsOneProgramsAtATime) {
  const PartialFile first(place(), 10, 4);
  EXPECT_REEL_ERROR(PartialFile(place(), 10, 4), kBusy,
                    "Another program is downloading \"a/file\".");
}

TEST_F(PartialFileTest, DoesNotWriteThroughALink) {
  fs::create_directories(folder_ / "blobs");
  std::ofstream(folder_ / "precious") << "mine";
  fs::create_symlink(folder_ / "precious", place().partial);
  EXPECT_REEL_ERROR(PartialFile(place(), 10, 4), kIo, "Cannot write");
  EXPECT_EQ(fs::file_size(folder_ / "precious"), 4u);
}

}  // namespace
}  // namespace reel::hub
