// SPDX-License-Identifier: Apache-2.0
// Distilled or base: which evidence wins, and that it is told.
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests
namespace fs = std::filesystem;

struct Told {
  Verdict verdict;
  std::string evidence;
};

Told told(const fs::path& model, const OpenOptions& like = {}) {
  OpenOptions options = like;
  options.model = model;
  const Checkpoint found = open_checkpoint(options);
  return {found.verdict, found.verdict_evidence};
}

void expect_evidence(const Told& got, Verdict verdict, const std::string& words) {
  EXPECT_EQ(got.verdict, verdict) << got.evidence;
  EXPECT_NE(got.evidence.find(words), std::string::npos) << got.evidence;
}

TEST(Verdict, NamesOfFilesAndFolders) {
  const TempFolder root;
  write_tensors(root / "wan2.1_t2v_14b_lightx2v_4step.safetensors", dit_tensors());
  write_tensors(root / "Wan2.1-T2V-14B-StepDistill-CfgDistill/m/m.safetensors", dit_tensors());
  write_tensors(root / "Wan2.1-T2V-14B/m.safetensors", dit_tensors());

  expect_evidence(told(root / "wan2.1_t2v_14b_lightx2v_4step.safetensors"), Verdict::kDistilled,
                  "lightx2v_4step");
  expect_evidence(told(root / "Wan2.1-T2V-14B-StepDistill-CfgDistill/m/m.safetensors"),
                  Verdict::kDistilled, "StepDistill");
  expect_evidence(told(root / "Wan2.1-T2V-14B"), Verdict::kBase, "the undistilled model");
}

TEST(Verdict, NoEvidenceMeansDistilledAndNamesTheFlag) {
  const TempFolder root;
  write_tensors(root / "m.safetensors", dit_tensors());

  expect_evidence(told(root / "m.safetensors"), Verdict::kDistilled, "--checkpoint-kind");
}

TEST(Verdict, ADistillationLoraTurnsTheBaseModel) {
  const TempFolder root;
  write_tensors(root / "Wan2.1-T2V-14B/m.safetensors", dit_tensors());
  for (const char* name : {"wan_lightx2v_rank64.safetensors", "style.safetensors"}) {
    write_tensors(root / name, {{"blocks.0.ffn.0.diff_b", DType::kF32, {2 * kDim}}});
  }
  const auto with = [&](const char* name, float strength) {
    return told(root / "Wan2.1-T2V-14B", {.loras = {{root / name, strength}}});
  };

  expect_evidence(with("wan_lightx2v_rank64.safetensors", 1), Verdict::kDistilled, "the LoRA");
  expect_evidence(with("wan_lightx2v_rank64.safetensors", 0), Verdict::kBase, "undistilled");
  expect_evidence(with("style.safetensors", 1), Verdict::kBase, "undistilled");
}

TEST(Verdict, MetadataStandAboveJsonAndJsonAboveNames) {
  const TempFolder root;
  write_tensors(root / "a_4step/m.safetensors", dit_tensors(), {{"checkpoint_kind", "base"}});
  write_text(root / "a_4step/config.json", R"({"model_type": "t2v", "note": "step distill"})");
  write_tensors(root / "Wan2.1-T2V-14B/m.safetensors", dit_tensors());
  write_text(root / "Wan2.1-T2V-14B/config.json",
             R"({"model_cls": "wan2.1_distill", "denoising_step_list": [1000, 750]})");

  expect_evidence(told(root / "a_4step"), Verdict::kBase, "metadata");
  expect_evidence(told(root / "Wan2.1-T2V-14B"), Verdict::kDistilled, "config.json");
}

TEST(Verdict, TheOptionStandsAboveAll) {
  const TempFolder root;
  write_tensors(root / "a_4step/m.safetensors", dit_tensors());

  expect_evidence(told(root / "a_4step", {.kind = Verdict::kBase}), Verdict::kBase, "given");
}

// 17 rows of 3; each a quarter more than the one before.
std::string rows_of_colours(const std::string& last) {
  std::string rows;
  for (int row = 0; row < 16; ++row) rows += "[" + std::to_string(row * 0.25) + ", 0, -1],";
  return R"({"reel": {"latent_rgb": [)" + rows + last + "]}}";
}

TEST(Settings, HaveTheColoursOfLatentsWhereAllAreGiven) {
  const TempFolder root;
  write_layout_a(root.path());
  const auto read_with = [&](const std::string& config) {
    write_text(root / "config.json", config);
    return open_checkpoint({.model = root / "distill_fp8"}).settings.latent_rgb;
  };

  const auto rows = read_with(rows_of_colours("[0.5, 0.25, -0.125]"));

  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ((*rows)[3], (std::array<float, 3>{0.75f, 0, -1}));
  EXPECT_EQ((*rows)[16], (std::array<float, 3>{0.5f, 0.25f, -0.125f}));
  for (const char* bad : {"[1, 2]", "[1, 2, \"3\"]", "[1, 2, 1e99]", "7", "[1, 2, 3], [1, 2, 3]"}) {
    EXPECT_FALSE(read_with(rows_of_colours(bad)).has_value()) << bad;
  }
}

TEST(Settings, AreReadFromTheNearestConfigOfADit) {
  const TempFolder root;
  write_layout_a(root.path());
  write_text(root / "distill_fp8/config.json", R"({"d_model": 4096, "num_layers": 24})");
  write_text(root / "config.json", R"({"model_type": "t2v", "text_len": 64,
      "reel": {"name": "Tiny", "width": 128, "height": -5, "frames": 1e99}})");

  const ModelSettings settings = open_checkpoint({.model = root / "distill_fp8"}).settings;

  EXPECT_EQ(settings.display_name, "Tiny");
  EXPECT_EQ(settings.text_len, 64);
  EXPECT_EQ(settings.width_px, 128);
  EXPECT_FALSE(settings.height_px);
  EXPECT_FALSE(settings.frames);
}

}  // namespace
}  // namespace reel::checkpoint
