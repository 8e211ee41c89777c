// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompt_cache.h"

#include <gmock/gmock.h>
#include <reel/synth.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <thread>

#include "pipeline/stage_files.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kRows = 3;
constexpr int64_t kWidth = 64;
const std::string kKey(32, 'a');

class PromptCacheTest : public testing::Test {
 protected:
  PromptCache cache(uint64_t most_bytes = PromptCache::kMostBytes) {
    return {folder_ / "text", [this](const std::string& remark) { remarks_.push_back(remark); },
            most_bytes};
  }
  fs::path file(const std::string& key = kKey) const {
    return folder_ / "text" / (key + ".safetensors");
  }
  static PromptCache::Entry entry(uint64_t seed = 1) {
    return {.states = test::random_tensor({kRows, kWidth}, DType::kF32, seed),
            .weights_digest = "weights " + std::to_string(seed)};
  }
  void store(const std::string& key, const PromptCache::Entry& entry,
             uint64_t most_bytes = PromptCache::kMostBytes) {
    cache(most_bytes).store(key, entry.states, entry.weights_digest);
  }
  // A damaged entry is left aside with a remark, and can be written again.
  void expect_left_aside(const char* words) {
    EXPECT_FALSE(cache().find(kKey, kRows, kWidth));
    EXPECT_THAT(remarks_, ElementsAre(HasSubstr(words)));
    EXPECT_FALSE(fs::exists(file()));
    remarks_.clear();
    store(kKey, entry());
    EXPECT_TRUE(cache().find(kKey, kRows, kWidth));
    EXPECT_THAT(remarks_, IsEmpty());
  }
  void change_byte(int64_t from_end) {
    std::fstream bytes(file(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(-from_end, std::ios::end);
    const char changed = static_cast<char>(bytes.get() ^ 1);
    bytes.seekp(-from_end, std::ios::end);
    bytes.put(changed);
  }

  test::TempFolder folder_;
  std::vector<std::string> remarks_;
};

TEST_F(PromptCacheTest, GivesBackWhatWasStored) {
  EXPECT_FALSE(cache().find(kKey, kRows, kWidth));
  const PromptCache::Entry stored = entry();
  store(kKey, stored);

  const auto found = cache().find(kKey, kRows, kWidth);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->weights_digest, stored.weights_digest);
  EXPECT_EQ(std::memcmp(found->states.bytes().data(), stored.states.bytes().data(),
                        kRows * kWidth * sizeof(float)),
            0);
  EXPECT_FALSE(cache().find(std::string(32, 'b'), kRows, kWidth));
  EXPECT_THAT(remarks_, IsEmpty());
}

TEST_F(PromptCacheTest, LeavesAChangedEntryAside) {
  store(kKey, entry());
  change_byte(5);
  expect_left_aside("are not those that were written");
}

TEST_F(PromptCacheTest, LeavesAShortEntryAside) {
  store(kKey, entry());
  fs::resize_file(file(), fs::file_size(file()) - 7);
  expect_left_aside("left aside");
}

TEST_F(PromptCacheTest, LeavesWhatIsNoEntryAside) {
  fs::create_directories(folder_ / "text");
  std::ofstream(file()) << "<html>";
  expect_left_aside("left aside");
}

TEST_F(PromptCacheTest, LeavesAnEntryOfAnotherPromptAside) {
  const std::string other(32, 'c');
  store(other, entry());
  fs::rename(file(other), file());
  expect_left_aside("another prompt");
}

TEST_F(PromptCacheTest, LeavesAnEntryOfAnotherShapeAside) {
  store(kKey,
        {.states = test::random_tensor({kWidth, kRows}, DType::kF32, 1), .weights_digest = {}});
  expect_left_aside("another shape");
}

TEST_F(PromptCacheTest, LeavesStatesThatAreNotFiniteAside) {
  PromptCache::Entry bad = entry();
  bad.states.values<float>()[7] = NAN;
  store(kKey, bad);
  expect_left_aside("not finite");
}

TEST_F(PromptCacheTest, DoesNotReadWhatIsTooLarge) {
  fs::create_directories(folder_ / "text");
  std::ofstream(file()) << "{";
  fs::resize_file(file(), uint64_t{1} << 40);
  expect_left_aside("too large");
}

TEST_F(PromptCacheTest, RemovesWhatWasUsedLongestAgo) {
  const std::string keys[] = {std::string(32, '1'), std::string(32, '2'), std::string(32, '3')};
  store(keys[0], entry());
  const uint64_t one = fs::file_size(file(keys[0]));
  const auto now = fs::file_time_type::clock::now();
  store(keys[1], entry());
  fs::last_write_time(file(keys[0]), now - std::chrono::hours(2));
  fs::last_write_time(file(keys[1]), now - std::chrono::hours(1));
  std::ofstream(folder_ / "text" / "notes.txt") << std::string(5000, 'x');
  ASSERT_TRUE(cache().find(keys[0], kRows, kWidth));  // and so it is used last

  store(keys[2], entry(), 2 * one);

  EXPECT_TRUE(fs::exists(file(keys[0])));
  EXPECT_FALSE(fs::exists(file(keys[1])));
  EXPECT_TRUE(fs::exists(file(keys[2])));
  EXPECT_TRUE(fs::exists(folder_ / "text" / "notes.txt")) << "what is not ours";
}

TEST_F(PromptCacheTest, OnlyRemarksThatItCannotBeWritten) {
  std::ofstream(folder_ / "text") << "a file where the folder should be";

  store(kKey, entry());

  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("cannot be kept")));
  EXPECT_FALSE(cache().find(kKey, kRows, kWidth));
}

TEST_F(PromptCacheTest, AKeyIsOfIdsFilesAndNumbers) {
  synthesize({.out = folder_ / "model", .seed = 1, .layers = 1, .t5_layers = 1});
  const auto key_of = [&](std::vector<int32_t> ids, const std::string& numbers) {
    const auto files = checkpoint::open_checkpoint({.model = folder_ / "model"});
    return PromptCache::key(ids, *files.text_encoder, numbers);
  };
  const std::string key = key_of({1, 2, 3}, "f32");

  EXPECT_EQ(key_of({1, 2, 3}, "f32"), key);
  EXPECT_EQ(key.size(), 32u);
  EXPECT_NE(key_of({1, 2}, "f32"), key);
  EXPECT_NE(key_of({1, 2, 4}, "f32"), key);
  EXPECT_NE(key_of({1, 2, 3}, "bf16"), key);
  const auto files = checkpoint::open_checkpoint({.model = folder_ / "model"});
  const fs::path weights = files.text_encoder->tensors.begin()->second.file->path();
  fs::last_write_time(weights, fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_NE(key_of({1, 2, 3}, "f32"), key) << "the file was written again";
}

}  // namespace
}  // namespace reel::pipeline
