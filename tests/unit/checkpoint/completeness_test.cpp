// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests

std::vector<NeededTensor> needed() {
  std::vector<NeededTensor> all;
  for (const auto& spec : dit_tensors()) all.push_back({.name = spec.name, .shape = spec.shape});
  return all;
}

Component component_of(const TempFolder& folder, const Specs& tensors) {
  write_tensors(folder / "m.safetensors", tensors);
  return *open_checkpoint({.model = folder / "m.safetensors"}).dit;
}

TEST(Completeness, AcceptsACompleteNetwork) {
  const TempFolder folder;

  EXPECT_NO_THROW(check_complete(component_of(folder, dit_tensors()), needed()));
}

TEST(Completeness, NamesTheFirstMissingTensorAndCountsTheOthers) {
  const TempFolder folder;
  const Component component = component_of(folder, without(dit_tensors(), "blocks.1.cross_attn.k"));

  EXPECT_REEL_ERROR(check_complete(component, needed()), kNotFound,
                    "has no tensor \"blocks.1.cross_attn.k.weight\" and 1 more of the");
  EXPECT_REEL_ERROR(component.shape_of("blocks.1.cross_attn.k.bias"), kNotFound,
                    "blocks.1.cross_attn.k.bias");
}

TEST(Completeness, NamesFoundAndNeededShape) {
  const TempFolder folder;
  Specs tensors = dit_tensors();
  tensors.back().shape = {kDim + 1};
  const Component component = component_of(folder, tensors);

  EXPECT_REEL_ERROR(check_complete(component, needed()), kBadFile, "is [33]; [32] is needed");
}

TEST(Completeness, LeadingAxesOfExtentOneMayBeLeftOut) {
  const TempFolder folder;
  Specs tensors = dit_tensors();
  for (auto& spec : tensors) {
    if (spec.name == "head.modulation") spec.shape = {2, kDim};
  }

  EXPECT_NO_THROW(check_complete(component_of(folder, tensors), needed()));
}

TEST(Completeness, NamesABlockThatASingleFileLacks) {
  const TempFolder folder;
  const Component component = component_of(folder, without(dit_tensors(), "blocks.1."));

  EXPECT_REEL_ERROR(block_count(component, "blocks."), kNotFound,
                    "has no tensors of block 1 (3 blocks expected, 2 found)");
}

}  // namespace
}  // namespace reel::checkpoint
