// SPDX-License-Identifier: Apache-2.0
#include "formats/slab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "base/tree_digest.h"
#include "formats/slab_check.h"
#include "formats/slab_plan.h"
#include "formats/slab_writer.h"
#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

const std::vector<SlabUnit> kUnits = {
    {{{"bias", DType::kF32, {3}}, {}},
     {{"eighty", DType::kF8E4M3, {3, 5}}, TensorSpec{"eighty_scale", DType::kF32, {3, 1}}},
     {{"half", DType::kBF16, {7}}, TensorSpec{"half_scale", DType::kF16, {1}}}},
    {{{"packed", DType::kQ4_K, {2, 256}}, {}}, {{"nothing", DType::kF32, {0}}, {}}},
};

std::vector<std::byte> random_bytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// An item's numbers and its scale's behind them.
std::vector<std::byte> bytes_of(const SlabPlan& plan, size_t item) {
  return random_bytes(plan.items()[item].size_bytes(), static_cast<uint32_t>(item));
}

std::string write_slab(const std::filesystem::path& path, const SlabPlan& plan) {
  SlabWriter writer(path, plan);
  for (size_t item = 0; item < plan.items().size(); ++item) {
    const auto bytes = bytes_of(plan, item);
    TreeDigest digest(bytes.size());
    digest.add(0, bytes);
    const size_t first = bytes.size() / 3;  // some pieces reach over the scale's begin
    writer.write(item, 0, std::span(bytes).first(first));
    writer.write(item, first, std::span(bytes).subspan(first));
    writer.finish(item, digest.hex());
  }
  writer.commit();
  return read_text_file(path, 1 << 20);
}

std::vector<std::byte> read(const TensorFile& file, const std::string& name) {
  const TensorEntry& entry = *file.find(name);
  std::vector<std::byte> bytes(entry.size_bytes);
  file.read(entry, bytes);
  return bytes;
}

class Slab : public testing::Test {
 protected:
  std::unique_ptr<TensorFile> open(const std::string& bytes) {
    test::write_file(path_, bytes);
    return open_tensor_file(path_);
  }
  // With `from` replaced in the header, and the header summed up again.
  static std::string forged(std::string bytes, const std::string& from, const std::string& to) {
    EXPECT_EQ(from.size(), to.size());
    bytes.replace(bytes.find(from), from.size(), to);
    const std::string start = "{\"__metadata__\":{\"reel.slab\":\"1 ";
    const size_t begin = bytes.find(start);
    const size_t digest = begin + start.size();
    bytes.replace(digest, 32, 32, '0');
    const size_t header_bytes = SlabPlan::kAlignment - begin;
    const std::string record = slab_record(bytes.substr(begin, header_bytes));
    return bytes.replace(digest, 32, record.substr(2));
  }

  test::TempFolder folder_;
  std::filesystem::path path_ = folder_ / "x.slab";
  SlabPlan plan_{kUnits, {{"format", "pt"}}};
  std::string bytes_ = write_slab(path_, plan_);
};

TEST_F(Slab, GivesBackNumbersTypesAndMetadata) {
  const auto file = open_tensor_file(path_);

  EXPECT_TRUE(is_slab(*file));
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->find("packed")->dtype, DType::kQ4_K);
  EXPECT_EQ(file->find("packed")->shape, (Shape{2, 256}));
  EXPECT_EQ(file->find("half_scale")->dtype, DType::kF16);
  std::vector<std::byte> all = read(*file, "eighty");
  const std::vector<std::byte> scale = read(*file, "eighty_scale");
  all.insert(all.end(), scale.begin(), scale.end());
  EXPECT_EQ(all, bytes_of(plan_, 1));
  EXPECT_EQ(read(*file, "packed"), bytes_of(plan_, 3));
}

TEST_F(Slab, LaysEveryUnitInOneAlignedRangeWithoutGaps) {
  const auto file = open_tensor_file(path_);
  std::vector<const TensorEntry*> entries;
  for (const TensorEntry& entry : file->entries()) entries.push_back(&entry);
  std::ranges::stable_sort(entries, {}, [](const TensorEntry* entry) {
    return std::pair(entry->offset_bytes, entry->size_bytes);
  });

  uint64_t at = SlabPlan::kAlignment;  // a header of one page
  for (const TensorEntry* entry : entries) {
    EXPECT_EQ(entry->offset_bytes, at) << entry->name;
    if (!is_block_format(entry->dtype)) {
      EXPECT_EQ(at % static_cast<uint64_t>(block_bytes(entry->dtype)), 0u) << entry->name;
    }
    at += entry->size_bytes;
  }
  EXPECT_EQ(at, file->file_size_bytes());
  ASSERT_EQ(plan_.units().size(), 2u);
  for (const SlabPlan::Range& unit : plan_.units()) EXPECT_EQ(unit.offset_bytes % 4096, 0u);
  EXPECT_EQ(file->find("eighty_scale")->offset_bytes, plan_.units()[0].offset_bytes);
  EXPECT_EQ(file->find("nothing")->offset_bytes, plan_.units()[1].offset_bytes);
}

TEST_F(Slab, RefusesFlippedBitsOfItsHeader) {
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at)).put(byte).flush();
  };
  for (size_t bit = 0; bit < 8 * SlabPlan::kAlignment; bit += 101) {
    const size_t at = bit / 8;
    put(at, static_cast<char>(bytes_[at] ^ (1 << (bit % 8))));
    ASSERT_EQ(test::read_all_tensors(path_), "refused") << "bit " << bit;
    put(at, bytes_[at]);
  }
  EXPECT_EQ(test::read_all_tensors(path_), "read");
}

TEST_F(Slab, RefusesShorterCopies) {
  for (size_t size = bytes_.size() - 1; size > 97; size -= 97) {
    std::filesystem::resize_file(path_, size);
    ASSERT_EQ(test::read_all_tensors(path_), "refused") << "cut to " << size << " bytes";
  }
}

TEST_F(Slab, SaysWhatIsWrong) {
  std::string other = bytes_;
  other.replace(other.find("\"1 "), 3, "\"2 ");
  EXPECT_REEL_ERROR(open(other), kUnsupported, "is a slab of version 2; version 1 is read here");
  std::string none = bytes_;
  none.replace(none.find("reel.slab"), 9, "real.slab");
  EXPECT_REEL_ERROR(open(none), kBadFile, "is named as a slab but is none");
  std::string damaged = bytes_;
  damaged.replace(damaged.find("\"pt\""), 4, "\"qt\"");
  EXPECT_REEL_ERROR(open(damaged), kBadFile, "has a damaged header: its checksum is another");
}

TEST_F(Slab, BelievesNoTypeThatDoesNotFit) {
  for (const char* text :
       {"q4_k 2 25x", "q4_k 2 999", "q9_k 2 256", "q4_k -2 256", "q4_k 2  256"}) {
    std::string to = std::string("\"") + text;
    to.resize(11, ' ');
    EXPECT_REEL_ERROR(open(forged(bytes_, "\"q4_k 2 256", to)), kBadFile,
                      "which is no type and shape");
  }
  // A type for a tensor that has one.
  EXPECT_REEL_ERROR(open(forged(bytes_, "reel.dtype:packed", "reel.dtype:eighty")), kBadFile,
                    "which is no type and shape");
}

TEST_F(Slab, HasADigestOfEveryTensorWithItsScale) {
  const auto file = open_tensor_file(path_);
  const auto items = slab_items(*file);
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("bias", "eighty", "half", "packed", "nothing"));
  const StopFlag stop;
  SlabItemReader reader(file->file(), stop);
  for (const auto& item : items) {
    EXPECT_EQ(reader.digest(item), slab_digest(*file, item.name)) << item.name;
  }
  EXPECT_REEL_ERROR(slab_digest(*file, "eighty_scale"), kBadFile, "no checksum of its tensor");
}

TEST_F(Slab, TellsADamagedScale) {
  const uint64_t at = plan_.items()[1].scale.offset_bytes;
  bytes_[at] = static_cast<char>(bytes_[at] ^ 1);
  const auto file = open(bytes_);
  const StopFlag stop;
  SlabItemReader reader(file->file(), stop);

  for (const auto& item : slab_items(*file)) {
    EXPECT_EQ(reader.digest(item) == slab_digest(*file, item.name), item.name != "eighty");
  }
}

TEST(SlabPlan, RefusesTheSameNameTwice) {
  const SlabItem item{.tensor = {"a", DType::kF32, {1}}, .scale = {}};
  EXPECT_REEL_ERROR(SlabPlan({{item}, {item}}, {}), kInvalidArgument, "declared twice");
}

TEST(SlabPlan, HasAnotherDigestForOtherContents) {
  const SlabPlan plan(kUnits, {{"a", "1"}});
  EXPECT_EQ(plan.digest(), SlabPlan(kUnits, {{"a", "1"}}).digest());
  EXPECT_NE(plan.digest(), SlabPlan(kUnits, {{"a", "2"}}).digest());
  EXPECT_NE(plan.digest(), SlabPlan({kUnits[1], kUnits[0]}, {{"a", "1"}}).digest());
}

}  // namespace
}  // namespace reel::formats
