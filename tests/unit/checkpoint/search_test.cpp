// SPDX-License-Identifier: Apache-2.0
// Which of several is chosen, where everything is looked for, and folders made to confuse.
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests
namespace fs = std::filesystem;

// distill_fp8, distill_int8 and distill_models in one root.
void write_three_precisions(const fs::path& root) {
  write_per_block(root / "distill_fp8", with_row_scales(dit_tensors(DType::kF8E4M3)));
  write_per_block(root / "distill_int8", with_row_scales(dit_tensors(DType::kI8)));
  write_tensors(root / "distill_models/distill_model.safetensors", dit_tensors(DType::kBF16));
}

TEST(Search, ChoosesFp8AndSaysHowToChooseOtherwise) {
  const TempFolder root;
  write_three_precisions(root.path());

  const Checkpoint found = open_checkpoint({.model = root.path()});

  EXPECT_EQ(found.dit->precision, "fp8");
  ASSERT_EQ(found.notes.size(), 1U);
  EXPECT_NE(found.notes[0].find("distill_int8"), std::string::npos);
  EXPECT_NE(found.notes[0].find("variant"), std::string::npos);
}

TEST(Search, ObeysTheVariant) {
  const TempFolder root;
  write_three_precisions(root.path());

  for (const char* variant : {"fp8", "int8", "bf16"}) {
    EXPECT_EQ(open_checkpoint({.model = root.path(), .variant = variant}).dit->precision, variant);
  }
}

TEST(Search, RefusesAVariantThatIsNotThere) {
  const TempFolder root;
  write_layout_a(root.path());

  EXPECT_REEL_ERROR(open_checkpoint({.model = root.path(), .variant = "int8"}), kNotFound,
                    "no int8 DiT; fp8");
}

TEST(Search, ChoosesAmongTextEncodersOfOneFolder) {
  const TempFolder root;
  write_tensors(root / "dit.safetensors", dit_tensors());
  write_tensors(root / "text/bf16.pth", text_encoder_tensors());
  write_tensors(root / "text/fp8.pth", with_row_scales(text_encoder_tensors(DType::kF8E4M3)));

  const Checkpoint found =
      open_checkpoint({.model = root / "dit.safetensors", .text_encoder = root / "text"});

  EXPECT_EQ(found.text_encoder->precision, "fp8");
  EXPECT_EQ(found.notes.size(), 1U);
}

TEST(Search, TakesGivenPathsBeforeWhatIsNear) {
  const TempFolder root;
  write_layout_a(root / "model");
  write_tensors(root / "other/t5.safetensors", text_encoder_tensors());
  write_tensors(root / "other/vae.safetensors", vae_tensors());
  write_text(root / "other/tokenizer.json", "{}");

  const Checkpoint found = open_checkpoint({.model = root / "model",
                                            .text_encoder = root / "other/t5.safetensors",
                                            .vae = root / "other/vae.safetensors",
                                            .tokenizer = root / "other"});

  EXPECT_EQ(found.text_encoder->path, root / "other/t5.safetensors");
  EXPECT_EQ(found.vae->path, root / "other/vae.safetensors");
  EXPECT_EQ(found.tokenizer->path, root / "other/tokenizer.json");
}

TEST(Search, RefusesGivenPathsThatHoldSomethingElse) {
  const TempFolder root;
  write_layout_a(root.path());
  const fs::path vae = root / "distill_fp8/Wan2.1_VAE.pth";

  EXPECT_REEL_ERROR(open_checkpoint({.model = root.path(), .text_encoder = vae}), kNotFound,
                    "holds no text encoder");
  EXPECT_REEL_ERROR(open_checkpoint({.model = root.path(), .vae = root / "none"}), kNotFound,
                    "does not exist");
  EXPECT_REEL_ERROR(open_checkpoint({.model = root.path(), .tokenizer = root / "distill_fp8"}),
                    kNotFound, "spiece.model or tokenizer.json");
}

TEST(Search, ListsWhatIsMissingAndWhereItWasLookedFor) {
  const TempFolder root;
  write_tensors(root / "only/dit.safetensors", dit_tensors());

  const Checkpoint found = open_checkpoint({.model = root / "only"});

  ASSERT_EQ(found.missing.size(), 3U);
  EXPECT_NE(found.missing[0].find("text encoder"), std::string::npos);
  EXPECT_NE(found.missing[1].find("Wan2.1_VAE.pth"), std::string::npos);
  EXPECT_NE(found.missing[2].find("google/umt5-xxl"), std::string::npos);
  for (const std::string& sentence : found.missing) {
    EXPECT_NE(sentence.find((root / "only").string()), std::string::npos) << sentence;
  }
}

TEST(Search, PrefersWansVaeToQwensOfTheSameShape) {
  const TempFolder root;
  write_tensors(root / "dit.safetensors", dit_tensors());
  write_tensors(root / "vae/qwen_image_vae.safetensors", vae_tensors());
  write_tensors(root / "vae/wan_2.1_vae.safetensors", vae_tensors());

  const Checkpoint found = open_checkpoint({.model = root / "dit.safetensors"});

  EXPECT_EQ(found.vae->path.filename(), "wan_2.1_vae.safetensors");
}

TEST(Search, TellsATaeFromAVaeByItsTensors) {
  const TempFolder root;
  write_layout_a(root / "model");
  write_tensors(root / "a.pth", tae_tensors());
  write_tensors(root / "b.safetensors", vae_tensors());

  const Component tae = *open_checkpoint({.model = root / "model", .vae = root / "a.pth"}).vae;
  const Component vae =
      *open_checkpoint({.model = root / "model", .vae = root / "b.safetensors"}).vae;

  EXPECT_EQ(tae.network, Network::kTae);
  EXPECT_EQ(tae.layout, "TAEHV F16");
  EXPECT_EQ(tae.tensors.size(), tae_tensors().size() - 2);
  EXPECT_EQ(tae.unread.size(), 2U);
  EXPECT_EQ(vae.network, Network::kVae);
}

TEST(Search, PrefersTheVaeToATaeBesideIt) {
  const TempFolder root;
  write_layout_a(root.path());
  write_tensors(root / "distill_fp8/taew2_1.pth", tae_tensors());

  const Checkpoint both = open_checkpoint({.model = root.path()});
  EXPECT_EQ(both.vae->network, Network::kVae);
  EXPECT_TRUE(both.warnings.empty());

  fs::remove(root / "distill_fp8/Wan2.1_VAE.pth");
  const Checkpoint alone = open_checkpoint({.model = root.path()});
  EXPECT_EQ(alone.vae->network, Network::kTae);
  EXPECT_TRUE(alone.missing.empty());
  ASSERT_EQ(alone.warnings.size(), 1U);
  EXPECT_NE(alone.warnings[0].find("No VAE was found; the TAE"), std::string::npos);
}

TEST(Search, PrefersTheFullVaeToAPrunedOne) {
  const TempFolder root;
  write_tensors(root / "dit.safetensors", dit_tensors());
  Specs wide = vae_tensors();
  for (formats::TensorSpec& spec : wide) {
    if (spec.name == "decoder.conv1.weight") spec.shape = {32, 16, 3, 3, 3};
  }
  for (formats::TensorSpec& spec : wide) spec.dtype = DType::kBF16;
  write_tensors(root / "a_lightvae.safetensors", vae_tensors());
  write_tensors(root / "b_vae.safetensors", wide);

  EXPECT_EQ(open_checkpoint({.model = root.path()}).vae->path, root / "b_vae.safetensors");
}

TEST(Search, FollowsTheLinksOfAHubCache) {
  const TempFolder root;
  const fs::path repository = root / "models--lightx2v--Wan2.1-T2V-14B";
  write_layout_a(root / "real");
  fs::create_directories(repository / "blobs");
  fs::create_directories(repository / "snapshots/abc123/distill_fp8");
  int64_t blob = 0;
  for (const auto& file : fs::directory_iterator(root / "real/distill_fp8")) {
    const std::string number = std::to_string(blob++);
    fs::rename(file.path(), repository / "blobs" / number);
    fs::create_symlink("../../../blobs/" + number,
                       repository / "snapshots/abc123/distill_fp8" / file.path().filename());
  }
  fs::rename(root / "real/google", repository / "snapshots/abc123/google");
  write_text(repository / "refs/main", "abc123");

  for (const fs::path& model :
       {repository, repository / "snapshots/abc123", repository / "snapshots/abc123/distill_fp8"}) {
    const Checkpoint found = open_checkpoint({.model = model});
    EXPECT_TRUE(found.dit && found.text_encoder && found.vae && found.tokenizer) << model;
    EXPECT_TRUE(found.missing.empty()) << model;
  }
}

TEST(Search, ABlockWhoseBlobIsMissingIsNamed) {
  const TempFolder root;
  write_layout_a(root.path());
  fs::remove(root / "distill_fp8/block_1.safetensors");
  fs::create_symlink("../blobs/none", root / "distill_fp8/block_1.safetensors");

  const Checkpoint found = open_checkpoint({.model = root.path()});

  EXPECT_REEL_ERROR(block_count(*found.dit, "blocks."), kNotFound, "block_1.safetensors");
}

TEST(Search, SurvivesALoopOfLinks) {
  const TempFolder root;
  write_layout_a(root.path());
  fs::create_directory_symlink(root.path(), root / "again");
  fs::create_symlink("self", root / "distill_fp8/self.safetensors");
  fs::remove(root / "distill_fp8/self.safetensors");
  fs::create_symlink("self.safetensors", root / "distill_fp8/self.safetensors");

  const Checkpoint found = open_checkpoint({.model = root.path()});

  EXPECT_TRUE(found.missing.empty());
  EXPECT_TRUE(found.notes.empty());
}

TEST(Search, TakesLinksToOneFileAsOne) {
  const TempFolder folder;
  write_tensors(folder / "m.safetensors", dit_tensors());
  fs::create_symlink("m.safetensors", folder / "same.safetensors");

  EXPECT_EQ(open_checkpoint({.model = folder.path()}).dit->tensors.size(), dit_tensors().size());
}

TEST(Search, AnIndexThatLeavesTheFolderIsRefused) {
  const TempFolder folder;
  write_per_block(folder / "m", dit_tensors());
  write_text(folder / "m/diffusion_pytorch_model.safetensors.index.json",
             R"({"weight_map": {"blocks.0.ffn.0.weight": "../secret.safetensors"}})");

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder / "m"}), kBadFile, "points elsewhere");
}

TEST(Search, BlockNumbersBeyondReasonAreRefused) {
  for (const char* number : {"99999999", "99999999999999999999999"}) {
    const TempFolder folder;
    write_tensors(
        folder / "m.safetensors",
        dit_tensors() +
            Specs{{std::string("blocks.") + number + ".ffn.0.weight", DType::kBF16, {2, 2}}});

    const Checkpoint found = open_checkpoint({.model = folder / "m.safetensors"});

    EXPECT_REEL_ERROR(block_count(*found.dit, "blocks."), kBadFile, "block numbers below 1000");
  }
}

TEST(Search, AFolderOfThousandsOfFilesIsNotOpenedWhole) {
  const TempFolder folder;
  write_tensors(folder / "0.safetensors", only(dit_tensors(), "blocks.0.modulation"));
  for (int copy = 1; copy < 2000; ++copy) {
    fs::copy(folder / "0.safetensors", folder / (std::to_string(copy) + ".safetensors"));
  }

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kInvalidArgument,
                    "more than 512 weight files");
}

TEST(Search, AFullFolderBesideTheModelIsPassedOver) {
  const TempFolder root;
  write_tensors(root / "0.safetensors", only(dit_tensors(), "blocks.0.modulation"));
  for (int copy = 1; copy < 600; ++copy) {
    fs::copy(root / "0.safetensors", root / (std::to_string(copy) + ".safetensors"));
  }
  write_layout_a(root / "model");
  fs::remove(root / "model/distill_fp8/Wan2.1_VAE.pth");

  const Checkpoint found = open_checkpoint({.model = root / "model"});

  EXPECT_TRUE(found.dit && found.text_encoder);
  EXPECT_FALSE(found.vae);
}

TEST(Search, StrayFilesDoNoHarm) {
  const TempFolder root;
  write_layout_a(root.path());
  write_text(root / "distill_fp8/._block_0.safetensors", "resource fork");
  write_text(root / "distill_fp8/optimizer.bin", "not weights");
  write_text(root / "README.md", "hello");
  write_tensors(root / "loras/l.safetensors",
                {{"blocks.0.self_attn.q.lora_down.weight", DType::kBF16, {4, 8}}});

  EXPECT_TRUE(open_checkpoint({.model = root.path()}).missing.empty());
}

}  // namespace
}  // namespace reel::checkpoint
