// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/block_reads.h"

#include <gtest/gtest.h>
#include <reel/bench.h>
#include <reel/convert.h>
#include <reel/synth.h>

#include "support/temp_folder.h"

namespace reel {
namespace {

TEST(BlockReads, CountsWhatTheFilesAndTheirSlabAreReadFor) {
  const test::TempFolder folder;
  const std::string model = folder / "model";
  synthesize({.out = model, .seed = 3, .layers = 3});
  Progress progress;
  const auto without = bench_reads({.model = model}, progress);
  convert({.model = {.model = model}}, progress);

  const auto with = bench_reads({.model = model}, progress);

  ASSERT_EQ(without.size(), 1u);
  ASSERT_EQ(with.size(), 2u);
  EXPECT_EQ(with[0].from, "slab of " + without[0].from);
  EXPECT_EQ(with[0].files, 1);
  EXPECT_EQ(with[1].from, without[0].from);
  EXPECT_EQ(with[1].files, 3);
  EXPECT_EQ(with[1].bytes, without[0].bytes);
  EXPECT_LE(with[0].bytes, with[1].bytes);  // which may hold gaps that are read through
  EXPECT_LE(with[0].requests, with[1].requests);
  for (const BenchReads& reads : with) EXPECT_GT(reads.seconds, 0);
}

}  // namespace
}  // namespace reel
