// SPDX-License-Identifier: Apache-2.0
// Random LoRAs are read as a user's would be, and hold the same numbers in every style.
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <algorithm>
#include <filesystem>

#include "checkpoint/lora.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

constexpr int64_t kBlocks = 2, kMatricesOfABlock = 10, kRank = 4;
constexpr int64_t kTensors = 15 + kBlocks * 27;  // of the whole DiT

checkpoint::Lora made_lora(const std::string& style, const std::filesystem::path& folder,
                           int64_t rank = 0) {
  SynthRequest request{.layout = "lora:" + style, .out = folder / style, .seed = 9};
  request.lora_rank = rank;
  const SynthReport report = synthesize(request);
  EXPECT_EQ(report.files.size(), 1u);
  return checkpoint::open_lora(folder / style / report.files[0].name);
}

std::vector<std::byte> bytes_of(const checkpoint::Delta& delta) {
  std::vector<std::byte> bytes;
  for (const formats::TensorEntry* entry : {delta.up, delta.down}) {
    std::vector<std::byte> part(entry->size_bytes);
    delta.file->read(*entry, part);
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

TEST(SynthLora, EveryStyleHoldsTheSamePairs) {
  const test::TempFolder folder;
  const checkpoint::Lora plain = made_lora("peft", folder.path());
  ASSERT_EQ(plain.changes.size(), static_cast<size_t>(kBlocks * kMatricesOfABlock));
  for (const char* style : {"kohya", "comfy", "processor", "diffusers", "old_diffusers", "bare",
                            "linear_layer", "peft_default"}) {
    SCOPED_TRACE(style);
    const checkpoint::Lora lora = made_lora(style, folder.path());
    EXPECT_TRUE(lora.unknown.empty());
    ASSERT_EQ(lora.changes.size(), plain.changes.size());
    const bool has_alpha = style == std::string("kohya") || style == std::string("comfy");
    for (size_t at = 0; at < lora.changes.size(); ++at) {
      EXPECT_EQ(lora.changes[at].target, plain.changes[at].target);
      EXPECT_EQ(lora.changes[at].delta.rank, kRank);
      EXPECT_EQ(lora.changes[at].delta.factor, has_alpha ? 0.5f : 1.0f);
      EXPECT_EQ(bytes_of(lora.changes[at].delta), bytes_of(plain.changes[at].delta));
    }
  }
}

TEST(SynthLora, ADistillationHasADeltaForAllThatHasNoPair) {
  const test::TempFolder folder;
  const checkpoint::Lora lora = made_lora("lightx2v", folder.path(), 7);

  EXPECT_TRUE(lora.unknown.empty());
  EXPECT_EQ(lora.changes.size(), static_cast<size_t>(kTensors));
  EXPECT_EQ(std::ranges::count_if(lora.changes, [](const auto& c) { return c.delta.rank == 7; }),
            kBlocks * kMatricesOfABlock);
}

TEST(SynthLora, FullDeltasAreOfEveryTensor) {
  const test::TempFolder folder;
  const checkpoint::Lora lora = made_lora("full", folder.path());

  EXPECT_TRUE(lora.unknown.empty());
  EXPECT_EQ(lora.changes.size(), static_cast<size_t>(kTensors));
  EXPECT_EQ(ranks_of(lora), (std::pair<int64_t, int64_t>{0, 0}));
}

TEST(SynthLora, RefusesUnknownStylesAndRanks) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(made_lora("lycoris", folder.path()), kInvalidArgument,
                    "Known are lightx2v, kohya");
  EXPECT_REEL_ERROR(made_lora("peft", folder.path(), -1), kInvalidArgument, "rank is -1");
}

}  // namespace
}  // namespace reel
