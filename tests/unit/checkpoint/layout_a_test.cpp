// SPDX-License-Identifier: Apache-2.0
// The published per-block FP8 folder, given in each of the ways a user may give it.
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests
namespace fs = std::filesystem;

void expect_complete(const Checkpoint& found, const fs::path& root) {
  ASSERT_TRUE(found.dit && found.text_encoder && found.vae && found.tokenizer);
  EXPECT_EQ(found.dit->layout, "per-block FP8 (LightX2V)");
  EXPECT_EQ(found.dit->precision, "fp8");
  EXPECT_EQ(found.dit->tensors.size(), dit_tensors().size());
  EXPECT_EQ(block_count(*found.dit, "blocks."), kBlocks);
  EXPECT_EQ(found.text_encoder->tensors.size(), text_encoder_tensors().size());
  EXPECT_EQ(found.vae->tensors.size(), vae_tensors().size());
  EXPECT_TRUE(fs::equivalent(found.tokenizer->path, root / "google/umt5-xxl/spiece.model"));
  EXPECT_EQ(found.settings.text_len, 512);
  EXPECT_TRUE(found.missing.empty()) << found.missing[0];
  EXPECT_EQ(found.verdict, Verdict::kDistilled);
}

TEST(LayoutA, IsFoundFromTheRoot) {
  const TempFolder root;
  write_layout_a(root.path());

  expect_complete(open_checkpoint({.model = root.path()}), root.path());
}

TEST(LayoutA, IsFoundFromItsFolder) {
  const TempFolder root;
  write_layout_a(root.path());

  expect_complete(open_checkpoint({.model = root / "distill_fp8"}), root.path());
  expect_complete(open_checkpoint({.model = root / "distill_fp8/"}), root.path());
}

TEST(LayoutA, IsFoundFromOneOfItsFilesOrTheIndex) {
  const TempFolder root;
  write_layout_a(root.path());

  expect_complete(open_checkpoint({.model = root / "distill_fp8/block_1.safetensors"}),
                  root.path());
  expect_complete(
      open_checkpoint(
          {.model = root / "distill_fp8/diffusion_pytorch_model.safetensors.index.json"}),
      root.path());
}

TEST(LayoutA, IsFoundFromARelativePath) {
  const TempFolder root;
  write_layout_a(root.path());
  const fs::path before = fs::current_path();

  fs::current_path(root / "distill_fp8");
  const Checkpoint found = open_checkpoint({.model = "."});
  fs::current_path(before);

  EXPECT_TRUE(found.missing.empty());
  EXPECT_TRUE(found.tokenizer.has_value());
}

TEST(LayoutA, PairsEveryMatrixWithItsRowScale) {
  const TempFolder root;
  write_layout_a(root.path());

  const Checkpoint found = open_checkpoint({.model = root.path()});

  const StoredTensor& up = *found.dit->find("blocks.2.ffn.0.weight");
  ASSERT_NE(up.scale, nullptr);
  EXPECT_EQ(up.scale->shape, (Shape{2 * kDim, 1}));
  EXPECT_EQ(up.scale_file, up.file);
  EXPECT_EQ(found.dit->find("head.head.weight")->scale, nullptr);
  EXPECT_NE(found.text_encoder->find("blocks.1.ffn.fc2.weight")->scale, nullptr);
}

TEST(LayoutA, WorksWithoutItsIndex) {
  const TempFolder root;
  write_layout_a(root.path());
  fs::remove(root / "distill_fp8/diffusion_pytorch_model.safetensors.index.json");

  expect_complete(open_checkpoint({.model = root.path()}), root.path());
}

TEST(LayoutA, NamesTheBlockFileThatTheIndexExpects) {
  const TempFolder root;
  write_layout_a(root.path());
  const fs::path block = root / "distill_fp8/block_2.safetensors";
  fs::rename(block, block.string() + ".part");

  const Checkpoint found = open_checkpoint({.model = root.path()});

  ASSERT_EQ(found.missing.size(), 1U);
  EXPECT_NE(found.missing[0].find("no \"block_2.safetensors\", which its index names; its download "
                                  "is unfinished"),
            std::string::npos)
      << found.missing[0];
  EXPECT_REEL_ERROR(block_count(*found.dit, "blocks."), kNotFound,
                    "has no \"block_2.safetensors\" (3 blocks expected, 2 found)");
}

TEST(LayoutA, NamesTheBlockFileBetweenOthersWithoutAnIndex) {
  const TempFolder root;
  write_layout_a(root.path());
  fs::remove(root / "distill_fp8/diffusion_pytorch_model.safetensors.index.json");
  fs::remove(root / "distill_fp8/block_1.safetensors");

  const Checkpoint found = open_checkpoint({.model = root.path()});

  EXPECT_REEL_ERROR(block_count(*found.dit, "blocks."), kNotFound,
                    "has no \"block_1.safetensors\" (3 blocks expected, 2 found)");
}

TEST(LayoutA, TheLastBlockIsMissedByTheConfigWhenThereIsNoIndex) {
  const TempFolder root;
  write_layout_a(root.path());
  fs::remove(root / "distill_fp8/diffusion_pytorch_model.safetensors.index.json");
  fs::remove(root / "distill_fp8/block_2.safetensors");
  const auto count_with = [&](const char* config) {
    write_text(root / "config.json", config);
    return block_count(*open_checkpoint({.model = root.path()}).dit, "blocks.");
  };

  EXPECT_REEL_ERROR(count_with(R"({"model_type": "t2v", "dim": 32, "num_layers": 3})"), kNotFound,
                    "has no \"block_2.safetensors\" (3 blocks expected, 2 found)");
  EXPECT_EQ(count_with(R"({"model_type": "t2v", "dim": 5120, "num_layers": 40})"), 2);
}

TEST(LayoutA, FindsTextEncoderVaeAndTokenizerInSiblingFolders) {
  const TempFolder root;
  write_layout_a(root.path());
  fs::create_directories(root / "distill_models/google");
  for (const char* name : {"models_t5_umt5-xxl-enc-fp8.pth", "Wan2.1_VAE.pth"}) {
    fs::rename(root / "distill_fp8" / name, root / "distill_models" / name);
  }
  fs::rename(root / "google/umt5-xxl", root / "distill_models/google/umt5-xxl");

  const Checkpoint found = open_checkpoint({.model = root / "distill_fp8"});

  EXPECT_TRUE(found.missing.empty());
  EXPECT_TRUE(found.text_encoder && found.vae && found.tokenizer);
}

}  // namespace
}  // namespace reel::checkpoint
