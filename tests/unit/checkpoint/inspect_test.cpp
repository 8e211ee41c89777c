// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests

const GroupReport& group(const NetworkReport& network, TensorGroup wanted, DType dtype) {
  static const GroupReport kNone;
  const auto found = std::ranges::find_if(network.groups, [&](const GroupReport& one) {
    return one.group == wanted && one.dtype == dtype;
  });
  return found == network.groups.end() ? kNone : *found;
}

TEST(Inspect, AddsUpEveryGroup) {
  const TempFolder root;
  write_layout_a(root.path());

  const InspectReport report = inspect(open_checkpoint({.model = root.path()}));

  ASSERT_EQ(report.networks.size(), 3U);
  const NetworkReport& dit = report.networks[0];
  const GroupReport& attention = group(dit, TensorGroup::kAttention, DType::kF8E4M3);
  EXPECT_EQ(attention.tensors, 8 * kBlocks);
  EXPECT_EQ(attention.elements, 8 * kBlocks * kDim * kDim);
  EXPECT_EQ(attention.size_bytes, 8U * kBlocks * kDim * kDim);
  EXPECT_EQ(attention.scale_bytes, 8U * kBlocks * kDim * 4);  // f32, one per row
  EXPECT_EQ(group(dit, TensorGroup::kFeedForward, DType::kF8E4M3).tensors, 2 * kBlocks);
  // patch, two of text, two of time, time projection, head
  EXPECT_EQ(group(dit, TensorGroup::kEmbedding, DType::kF32).tensors, 7);
  EXPECT_EQ(dit.tensors, static_cast<int64_t>(dit_tensors().size()));
  EXPECT_EQ(dit.blocks, kBlocks);
  EXPECT_EQ(dit.files, kBlocks + 1);
  EXPECT_FALSE(dit.evidence.empty());
  EXPECT_EQ(group(report.networks[2], TensorGroup::kAttention, DType::kF32).tensors, 2);
  EXPECT_TRUE(report.tokenizer);
}

TEST(Inspect, TellsOfProblemsInsteadOfThrowing) {
  const TempFolder root;
  write_layout_a(root.path());
  std::filesystem::remove(root / "distill_fp8/block_0.safetensors");

  const InspectReport report = inspect(open_checkpoint({.model = root.path()}));

  ASSERT_EQ(report.networks[0].problems.size(), 1U);
  EXPECT_NE(report.networks[0].problems[0].find("block_0.safetensors"), std::string::npos);
  EXPECT_EQ(report.missing.size(), 1U);
}

TEST(Inspect, TellsWhatASingleTextEncoderIs) {
  const TempFolder folder;
  write_tensors(folder / "t5.pth", text_encoder_tensors());

  const InspectReport report = inspect(open_checkpoint({.model = folder / "t5.pth"}));

  ASSERT_EQ(report.networks.size(), 1U);
  EXPECT_EQ(report.networks[0].network, Network::kTextEncoder);
  EXPECT_EQ(report.networks[0].blocks, 2);
}

}  // namespace
}  // namespace reel::checkpoint
