// SPDX-License-Identifier: Apache-2.0
#include "memory/weight_store.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace reel::memory {
namespace {

// Counts how often each block is prepared; a block has as many bytes as its name says.
class CountingPreparer : public BlockPreparer {
 public:
  uint64_t prepared_bytes(const WeightBlock& block) const override {
    return static_cast<uint64_t>(block.items[0].shape.elements());
  }
  std::unique_ptr<WeightSource> prepare(const WeightBlock& block) override {
    ++count[block.name];
    return std::make_unique<Nothing>();
  }
  std::map<std::string, int> count;

 private:
  struct Nothing : WeightSource {
    bool has(std::string_view) const override { return false; }
    TensorView tensor(std::string_view) const override { return {}; }
    MatrixView matrix(std::string_view, int) const override { return {}; }
    ConvView conv(std::string_view, int) const override { return {}; }
    void gather_rows(std::string_view, std::span<const int32_t>, const TensorView&) const override {
    }
  };
};

Manifest four_blocks_of_100() {
  const auto block = [](const std::string& name) {
    return WeightBlock{.name = name, .items = {{.name = "w", .shape = {100}}}};
  };
  return {.fixed = block("fixed"), .blocks = {block("0"), block("1"), block("2"), block("3")}};
}

TEST(WeightStore, PreparesEveryBlockOnceWhenAllFit) {
  CountingPreparer preparer;
  WeightStore store(four_blocks_of_100(), preparer, 500);

  for (int pass = 0; pass < 3; ++pass) {
    for (int index = 0; index < 4; ++index) store.acquire(index, {});
  }

  EXPECT_EQ(store.resident_blocks(), 4);
  for (const auto& [name, count] : preparer.count) EXPECT_EQ(count, 1) << name;
}

TEST(WeightStore, PreparesWhatDoesNotFitAtEveryUse) {
  CountingPreparer preparer;
  WeightStore store(four_blocks_of_100(), preparer, 350);  // fixed and two blocks

  for (int pass = 0; pass < 3; ++pass) {
    for (int index = 0; index < 4; ++index) store.acquire(index, {});
  }

  EXPECT_EQ(store.resident_blocks(), 2);
  EXPECT_EQ(preparer.count["fixed"], 1);
  EXPECT_EQ(preparer.count["1"], 1);
  EXPECT_EQ(preparer.count["2"], 3);
  EXPECT_EQ(preparer.count["3"], 3);
}

TEST(WeightStore, WorksWithoutAnyBudget) {
  CountingPreparer preparer;
  WeightStore store(four_blocks_of_100(), preparer, 0);
  store.acquire(0, {});
  store.acquire(0, {});
  EXPECT_EQ(preparer.count["0"], 2);
}

}  // namespace
}  // namespace reel::memory
