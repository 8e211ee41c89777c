// SPDX-License-Identifier: Apache-2.0
// The same request gives the same bytes, however much memory the weights may take.
#include <gtest/gtest.h>

#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "golden/stage_runs.h"

namespace reel::test {
namespace {

std::string file_digest(const std::string& path) {
  const InputFile file(path);
  std::vector<std::byte> bytes(file.size_bytes());
  file.read_at(0, bytes);
  return digest_hex(bytes);
}

// Of the stage files of a whole clip.
std::vector<std::string> clip_digests(const GoldenCase& golden, DType compute, uint64_t ram_bytes) {
  StageRuns runs(golden, compute);
  runs.model.ram_bytes = ram_bytes;
  const std::string text = runs.encode_text();
  const std::string latents = runs.denoise(text, "");
  return {file_digest(text), file_digest(latents), file_digest(runs.decode(latents))};
}

constexpr uint64_t kPlenty = uint64_t{1} << 30;

class SameBytes : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Precisions, SameBytes, testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& test) { return precision_name(test.param); });

TEST_P(SameBytes, WhenTheSeedIsTheSame) {
  REEL_SKIP_WITHOUT(GetParam());
  const GoldenCase golden = read_golden("pipeline_distill_fp8");

  const auto first = clip_digests(golden, GetParam(), kPlenty);
  const auto second = clip_digests(golden, GetParam(), kPlenty);

  EXPECT_EQ(first, second);
}

TEST_P(SameBytes, WhateverTheWeightsMayTake) {
  REEL_SKIP_WITHOUT(GetParam());
  const GoldenCase golden = read_golden("pipeline_distill_fp8");

  const auto resident = clip_digests(golden, GetParam(), kPlenty);
  const auto streamed = clip_digests(golden, GetParam(), 1);

  EXPECT_EQ(resident, streamed);
}

TEST_P(SameBytes, NotWhenTheSeedDiffers) {
  REEL_SKIP_WITHOUT(GetParam());
  GoldenCase golden = read_golden("pipeline_distill_fp8");

  const auto one = clip_digests(golden, GetParam(), kPlenty);
  golden.sampling.seed = 43;
  const auto other = clip_digests(golden, GetParam(), kPlenty);

  EXPECT_EQ(one[0], other[0]);
  EXPECT_NE(one[1], other[1]);
  EXPECT_NE(one[2], other[2]);
}

}  // namespace
}  // namespace reel::test
