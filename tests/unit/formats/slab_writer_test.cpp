// SPDX-License-Identifier: Apache-2.0
#include "formats/slab_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/tree_digest.h"
#include "formats/tensor_file.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

namespace fs = std::filesystem;

SlabPlan plan_of(const std::string& source, int64_t rows = 50) {
  std::vector<SlabUnit> units;
  for (const char* name : {"a", "b", "c"}) {
    units.push_back({{.tensor = {name, DType::kF32, {rows, 100}}, .scale = {}}});
  }
  return {units, {{"source", source}}};
}

// Fills an item with its own number.
void fill(SlabWriter& writer, const SlabPlan& plan, size_t item) {
  const std::vector<std::byte> bytes(plan.items()[item].size_bytes(),
                                     static_cast<std::byte>(item + 1));
  TreeDigest digest(bytes.size());
  digest.add(0, bytes);
  writer.write(item, 0, bytes);
  writer.finish(item, digest.hex());
}

class SlabWriting : public testing::Test {
 protected:
  std::vector<bool> there(const SlabWriter& writer) {
    return {writer.has(0), writer.has(1), writer.has(2)};
  }
  void begin(std::initializer_list<size_t> items) {
    SlabWriter writer(path_, plan_);
    for (const size_t item : items) fill(writer, plan_, item);
  }
  bool is_left(const char* ending) { return fs::exists(path_.string() + ending); }

  test::TempFolder folder_;
  fs::path path_ = folder_ / "x.slab";
  SlabPlan plan_ = plan_of("one");
};

TEST_F(SlabWriting, GoesOnWhereItWasLeft) {
  begin({0, 2});
  EXPECT_TRUE(is_left(".partial"));
  EXPECT_FALSE(is_left(""));

  {
    SlabWriter writer(path_, plan_);
    EXPECT_EQ(there(writer), (std::vector<bool>{true, false, true}));
    fill(writer, plan_, 1);
    writer.commit();
  }

  EXPECT_FALSE(is_left(".partial"));
  EXPECT_FALSE(is_left(".partial.journal"));
  const auto file = open_tensor_file(path_);
  for (size_t item = 0; item < 3; ++item) {
    std::vector<std::byte> bytes(file->entries()[item].size_bytes);
    file->read(*file->find(plan_.items()[item].name), bytes);
    EXPECT_EQ(bytes, std::vector<std::byte>(bytes.size(), static_cast<std::byte>(item + 1)));
  }
}

TEST_F(SlabWriting, BeginsAnewForAnotherPlan) {
  begin({0, 1});
  const SlabPlan other = plan_of("two");
  EXPECT_EQ(there(SlabWriter(path_, other)), std::vector<bool>(3, false));
  EXPECT_FALSE(is_left(".partial"));

  begin({0, 1});
  const SlabPlan larger = plan_of("one", 5000);
  EXPECT_EQ(there(SlabWriter(path_, larger)), std::vector<bool>(3, false));
}

TEST_F(SlabWriting, WritesAgainWhatIsForgotten) {
  {
    SlabWriter writer(path_, plan_);
    for (size_t item = 0; item < 3; ++item) fill(writer, plan_, item);
    writer.save();
    writer.forget(1);
  }
  EXPECT_EQ(there(SlabWriter(path_, plan_)), (std::vector<bool>{true, false, true}));
}

TEST_F(SlabWriting, DoesNotTrustADamagedJournal) {
  const std::string journal = path_.string() + ".partial.journal";
  begin({0, 1});
  fs::resize_file(journal, 10);
  EXPECT_EQ(there(SlabWriter(path_, plan_)), std::vector<bool>(3, false));

  begin({0, 1});
  std::ofstream(journal, std::ios::app) << "99 0123\nnonsense\n2 0123\n";
  EXPECT_EQ(there(SlabWriter(path_, plan_)), (std::vector<bool>{true, true, false}));

  begin({0, 1});
  fs::resize_file(path_.string() + ".partial", 5000);  // not the bytes that the journal is about
  EXPECT_EQ(there(SlabWriter(path_, plan_)), std::vector<bool>(3, false));
}

TEST_F(SlabWriting, IsDoneByOneAtATime) {
  const SlabWriter writer(path_, plan_);
  EXPECT_REEL_ERROR(SlabWriter(path_, plan_), kBusy, "Another program is writing");
}

TEST_F(SlabWriting, LeavesNothingWhereNothingWasWritten) {
  begin({});
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(SlabWriting, LooksForSpaceFirst) {
  const SlabPlan plan({{{.tensor = {"a", DType::kF32, {int64_t{1} << 50}}, .scale = {}}}}, {});
  EXPECT_REEL_ERROR(SlabWriter(path_, plan), kIo, " free; the slab needs 4096.0 TiB.");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(SlabWriting, RefusesWhatIsIncompleteOrTooLong) {
  SlabWriter writer(path_, plan_);
  fill(writer, plan_, 0);
  EXPECT_REEL_ERROR(writer.commit(), kInternal, "lacks a tensor");
  const std::vector<std::byte> bytes(8);
  EXPECT_REEL_ERROR(writer.write(0, plan_.items()[0].size_bytes() - 4, bytes), kInternal,
                    "too many bytes");
}

TEST_F(SlabWriting, NamesAFolderThatIsNotThere) {
  EXPECT_REEL_ERROR(SlabWriter(folder_ / "no/x.slab", plan_), kIo, "Cannot write");
}

}  // namespace
}  // namespace reel::formats
