// SPDX-License-Identifier: Apache-2.0
// Every published layout but the per-block folder, by its content alone.
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests
namespace fs = std::filesystem;

const Naming& naming(Network network, const char* name) { return *find_naming(network, name); }

// The DiT of a single file, which must have every tensor.
Component dit_of(const fs::path& path) {
  Checkpoint found = open_checkpoint({.model = path});
  EXPECT_TRUE(found.dit.has_value());
  EXPECT_EQ(found.dit->tensors.size(), dit_tensors().size());
  EXPECT_EQ(block_count(*found.dit, "blocks."), kBlocks);
  return *std::move(found.dit);
}

TEST(Layouts, SingleFilesKeepTheirNumberFormat) {
  const TempFolder folder;
  write_tensors(folder / "bf16/m.safetensors", dit_tensors(DType::kBF16));
  write_tensors(folder / "f16/m.safetensors", dit_tensors(DType::kF16));
  write_tensors(folder / "f32/m.safetensors", dit_tensors(DType::kF32));
  write_tensors(folder / "int8/m.safetensors", with_row_scales(dit_tensors(DType::kI8)));

  EXPECT_EQ(dit_of(folder / "bf16/m.safetensors").layout, "single-file BF16");
  EXPECT_EQ(dit_of(folder / "f16/m.safetensors").precision, "f16");
  EXPECT_EQ(dit_of(folder / "f32/m.safetensors").precision, "f32");
  EXPECT_EQ(dit_of(folder / "int8/m.safetensors").layout, "single-file INT8 (LightX2V)");
}

TEST(Layouts, TheNameOfAFileDoesNotMatter) {
  const TempFolder folder;
  write_tensors(folder / "umt5-vae.bin", dit_tensors());

  EXPECT_EQ(dit_of(folder / "umt5-vae.bin").network, Network::kDit);
}

TEST(Layouts, ChunksAreJoined) {
  const TempFolder folder;
  const Specs all = dit_tensors();
  const auto middle = all.begin() + static_cast<ptrdiff_t>(all.size() / 2);
  write_tensors(folder / "wan_part1.safetensors", Specs(all.begin(), middle));
  write_tensors(folder / "wan_part2.safetensors", Specs(middle, all.end()));

  EXPECT_EQ(dit_of(folder.path()).layout, "chunked BF16");
}

TEST(Layouts, OfficialShardsHaveTextEncoderVaeAndTokenizerBesideThem) {
  const TempFolder folder;
  const Specs all = dit_tensors(DType::kF32);
  const auto middle = all.begin() + static_cast<ptrdiff_t>(all.size() / 3);
  const std::string stem = "diffusion_pytorch_model-0000";
  write_tensors(folder / (stem + "1-of-00002.safetensors"), Specs(all.begin(), middle));
  write_tensors(folder / (stem + "2-of-00002.safetensors"), Specs(middle, all.end()));
  write_tensors(folder / "models_t5_umt5-xxl-enc-bf16.pth", text_encoder_tensors());
  write_tensors(folder / "Wan2.1_VAE.pth", vae_tensors());
  write_text(folder / "google/umt5-xxl/tokenizer.json", "{}");

  const Checkpoint found = open_checkpoint({.model = folder.path()});

  EXPECT_EQ(found.dit->layout, "2-file F32");
  EXPECT_EQ(found.text_encoder->layout, "single-file BF16");
  EXPECT_EQ(found.vae->precision, "f32");
  EXPECT_EQ(found.tokenizer->format, TokenizerFormat::kTokenizerJson);
  EXPECT_TRUE(found.missing.empty());
}

TEST(Layouts, ScaledFp8OfComfyUiOldStyle) {
  const TempFolder folder;
  const Specs tensors =
      with_tensor_scales(dit_tensors(DType::kF8E4M3), "scale_weight") +
      Specs{{"scaled_fp8", DType::kF8E4M3, {2}}, {"blocks.0.ffn.0.scale_input", DType::kF32, {}}};
  Specs prefixed;
  for (const auto& spec : tensors) {
    prefixed.push_back({"model.diffusion_model." + spec.name, spec.dtype, spec.shape});
  }
  write_tensors(folder / "wan.safetensors", prefixed);

  const Component dit = dit_of(folder / "wan.safetensors");

  EXPECT_EQ(dit.layout, "ComfyUI scaled FP8");
  EXPECT_EQ(dit.find("blocks.1.self_attn.q.weight")->scale->shape.elements(), 1);
  EXPECT_EQ(dit.unread.size(), 2U);
}

TEST(Layouts, ScaledFp8OfComfyUiNewStyle) {
  const TempFolder folder;
  write_with_text(folder / "wan.safetensors",
                  with_tensor_scales(dit_tensors(DType::kF8E4M3), "weight_scale"),
                  "blocks.0.ffn.0.comfy_quant",
                  R"({"format": "float8_e4m3fn", "full_precision_matrix_mult": true})");

  EXPECT_EQ(dit_of(folder / "wan.safetensors").layout, "ComfyUI scaled FP8");
}

TEST(Layouts, Fp8CastsHaveNoScales) {
  const TempFolder folder;
  write_tensors(folder / "e4m3.safetensors", dit_tensors(DType::kF8E4M3));
  write_tensors(folder / "e5m2/x.safetensors", dit_tensors(DType::kF8E5M2));

  EXPECT_EQ(dit_of(folder / "e4m3.safetensors").layout, "single-file unscaled FP8");
  EXPECT_EQ(dit_of(folder / "e5m2/x.safetensors").precision, "fp8");
}

TEST(Layouts, StaticInputScalesAreNotNeeded) {
  const TempFolder folder;
  write_tensors(folder / "wan.safetensors",
                with_row_scales(dit_tensors(DType::kF8E4M3)) +
                    Specs{{"blocks.0.ffn.0.input_scale", DType::kF32, {}}});

  EXPECT_EQ(dit_of(folder / "wan.safetensors").unread,
            std::vector<std::string>{"blocks.0.ffn.0.input_scale"});
}

TEST(Layouts, PrefixesAreStripped) {
  for (const std::string prefix : {"diffusion_model.", "model.", "transformer."}) {
    const TempFolder folder;
    write_tensors(folder / "wan.safetensors",
                  renamed(dit_tensors(), naming(Network::kDit, "Wan"), prefix));

    dit_of(folder / "wan.safetensors");
  }
}

TEST(Layouts, GgufDitWithMixedTypes) {
  const TempFolder folder;
  Specs tensors = dit_tensors(DType::kQ8_0);
  for (auto& spec : tensors) {
    if (spec.name.ends_with("ffn.2.weight")) spec.dtype = DType::kQ4_0;
  }
  write_tensors(folder / "wan.gguf", tensors, {{"general.architecture", "wan"}});

  EXPECT_EQ(dit_of(folder / "wan.gguf").layout, "GGUF Q8_0");
}

TEST(Layouts, GgufTextEncoderBringsItsTokenizer) {
  const TempFolder folder;
  const Specs tensors =
      renamed(text_encoder_tensors(DType::kQ8_0), naming(Network::kTextEncoder, "llama.cpp"));
  write_tensors(folder / "umt5.gguf", tensors,
                {{"general.architecture", "t5encoder"}, {"tokenizer.ggml.model", "t5"}});
  write_text(folder / "google/umt5-xxl/spiece.model", "that of another model, perhaps");

  const Checkpoint found = open_checkpoint({.model = folder.path()});

  EXPECT_EQ(found.text_encoder->tensors.size(), text_encoder_tensors().size());
  EXPECT_EQ(found.text_encoder->layout, "GGUF Q8_0");
  EXPECT_EQ(found.tokenizer->format, TokenizerFormat::kGguf);
}

TEST(Layouts, DiffusersFolderFromItsRootOrItsTransformer) {
  const TempFolder root;
  const Specs dit = renamed(dit_tensors(), naming(Network::kDit, "diffusers"));
  write_tensors(root / "transformer/a-00001-of-00002.safetensors", only(dit, "blocks."));
  write_tensors(root / "transformer/a-00002-of-00002.safetensors", without(dit, "blocks."));
  write_tensors(root / "text_encoder/model.safetensors",
                renamed(text_encoder_tensors(), naming(Network::kTextEncoder, "Hugging Face")));
  write_tensors(root / "vae/diffusion_pytorch_model.safetensors",
                renamed(vae_tensors(), naming(Network::kVae, "diffusers")));
  write_text(root / "tokenizer/spiece.model", "a tokenizer");

  for (const fs::path& model : {root.path(), root / "transformer"}) {
    const Checkpoint found = open_checkpoint({.model = model});
    ASSERT_TRUE(found.dit && found.text_encoder && found.vae && found.tokenizer);
    EXPECT_EQ(found.dit->tensors.size(), dit_tensors().size());
    EXPECT_EQ(found.dit->find("blocks.0.norm3.weight")->entry->name, "blocks.0.norm2.weight");
    EXPECT_EQ(found.text_encoder->tensors.size(), text_encoder_tensors().size());
    EXPECT_EQ(found.vae->tensors.size(), vae_tensors().size());
    EXPECT_EQ(found.dit->layout, "diffusers BF16");
  }
}

TEST(Layouts, TheEmbeddingMayHaveItsSecondNameOrBoth) {
  const TempFolder folder;
  Specs tensors = renamed(text_encoder_tensors(), naming(Network::kTextEncoder, "Hugging Face"));
  const auto rename_table = [&](const char* from, const char* to) {
    for (auto& spec : tensors) {
      if (spec.name == from) spec.name = to;
    }
  };
  rename_table("shared.weight", "encoder.embed_tokens.weight");
  write_tensors(folder / "second.safetensors", tensors);
  tensors.push_back({"shared.weight", DType::kBF16, {100, kDim}});
  write_tensors(folder / "both/both.safetensors", tensors);

  const Checkpoint second = open_checkpoint({.model = folder / "second.safetensors"});
  const Checkpoint both = open_checkpoint({.model = folder / "both/both.safetensors"});

  EXPECT_EQ(second.text_encoder->tensors.size(), text_encoder_tensors().size());
  EXPECT_EQ(both.text_encoder->tensors.size(), text_encoder_tensors().size());
  EXPECT_EQ(both.text_encoder->unread.size(), 1U);
}

TEST(Layouts, ComfyUiFoldersFromTheDiffusionModel) {
  for (const std::string models : {"models", "split_files"}) {
    const TempFolder root;
    const fs::path base = root / models;
    write_tensors(base / "diffusion_models/wan.safetensors", dit_tensors());
    write_with_text(
        base / "text_encoders/umt5.safetensors",
        renamed(with_tensor_scales(text_encoder_tensors(DType::kF8E4M3), "scale_weight"),
                naming(Network::kTextEncoder, "Hugging Face")),
        "spiece_model", "a tokenizer");
    write_tensors(base / "vae/wan_2.1_vae.safetensors", vae_tensors());

    for (const fs::path& model :
         {base / "diffusion_models/wan.safetensors", base / "diffusion_models", root.path()}) {
      const Checkpoint found = open_checkpoint({.model = model});
      ASSERT_TRUE(found.dit && found.text_encoder && found.vae && found.tokenizer) << model;
      EXPECT_EQ(found.text_encoder->layout, "ComfyUI scaled FP8");
      EXPECT_EQ(found.tokenizer->format, TokenizerFormat::kEmbeddedProto);
      EXPECT_EQ(found.tokenizer->tensor, "spiece_model");
    }
  }
}

TEST(Layouts, AnAllInOneFileHasAllNetworks) {
  const TempFolder folder;
  write_tensors(folder / "all.safetensors",
                renamed(dit_tensors(), naming(Network::kDit, "Wan"), "model.diffusion_model.") +
                    renamed(text_encoder_tensors(), naming(Network::kTextEncoder, "Hugging Face"),
                            "text_encoders.umt5xxl.transformer.") +
                    renamed(vae_tensors(), naming(Network::kVae, "Wan"), "vae."));

  const Checkpoint found = open_checkpoint({.model = folder / "all.safetensors"});

  ASSERT_TRUE(found.dit && found.text_encoder && found.vae);
  EXPECT_EQ(found.dit->tensors.size(), dit_tensors().size());
  EXPECT_EQ(found.text_encoder->tensors.size(), text_encoder_tensors().size());
  EXPECT_EQ(found.vae->tensors.size(), vae_tensors().size());
}

TEST(Layouts, VaceTensorsAreLeftAlone) {
  const TempFolder folder;
  Specs tensors = dit_tensors(DType::kQ8_0);
  for (const auto& spec : only(dit_tensors(DType::kQ8_0), "blocks.0.")) {
    tensors.push_back({"vace_" + spec.name, spec.dtype, spec.shape});
  }
  tensors.push_back({"vace_patch_embedding.weight", DType::kF32, {kDim, 96, 1, 2, 2}});
  write_tensors(folder / "vace.gguf", tensors);

  const Component dit = dit_of(folder / "vace.gguf");

  EXPECT_EQ(dit.unread.size(), only(dit_tensors(), "blocks.0.").size() + 1);
}

TEST(Layouts, LegacyTorchFileAndVaeWithEncoder) {
  const TempFolder folder;
  write_tensors(folder / "distill_model.pth", dit_tensors());
  fs::rename(folder / "distill_model.pth", folder / "distill_model.pt");
  write_tensors(folder / "vae_bf16.safetensors",
                vae_tensors() + Specs{{"encoder.conv1.weight", DType::kBF16, {8, 3, 3, 3, 3}},
                                      {"conv1.weight", DType::kBF16, {32, 32, 1, 1, 1}}});

  const Checkpoint found = open_checkpoint({.model = folder.path()});

  EXPECT_EQ(found.dit->tensors.size(), dit_tensors().size());
  EXPECT_EQ(found.vae->unread.size(), 2U);
}

}  // namespace
}  // namespace reel::checkpoint
