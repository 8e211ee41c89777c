// SPDX-License-Identifier: Apache-2.0
// Networks and quantisations that are known and not run are named; damaged ones are located.
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests
namespace fs = std::filesystem;

// Writes and opens a file of these tensors.
void open_made(const Specs& tensors, const std::string& name = "model.safetensors",
               const Metadata& metadata = {}) {
  const TempFolder folder;
  write_tensors(folder / name, tensors, metadata);
  open_checkpoint({.model = folder / name});
}

Specs with_channels(int64_t channels) {
  Specs tensors = dit_tensors();
  tensors[0].shape = {kDim, channels, 1, 2, 2};
  return tensors;
}

Specs with_scale_of_shape(DType weight, DType scale, const Shape& shape) {
  Specs tensors = dit_tensors(weight);
  tensors.push_back({"blocks.0.ffn.2.weight_scale", scale, shape});
  return tensors;
}

TEST(Refusals, ImageToVideo) {
  const Specs image{{"img_emb.proj.0.weight", DType::kBF16, {8}}};

  EXPECT_REEL_ERROR(open_made(dit_tensors() + image), kUnsupported, "image-to-video");
  EXPECT_REEL_ERROR(open_made(with_channels(36)), kUnsupported, "it takes 36 channels, 16");
  EXPECT_REEL_ERROR(open_made(dit_tensors() + image), kUnsupported, "Wan2.1-T2V-14B");
}

TEST(Refusals, AFoldedPatchEmbedding) {
  Specs tensors = dit_tensors(DType::kQ8_0);
  tensors[0].shape = {kDim * 16, 1, 2, 2};

  EXPECT_REEL_ERROR(open_made(tensors, "m.gguf"), kUnsupported, "[dim, 16, 1, 2, 2] is needed");
}

TEST(Refusals, FiveBillionModelOfWan22) {
  EXPECT_REEL_ERROR(open_made(with_channels(48)), kUnsupported, "Wan2.2-TI2V-5B");
}

TEST(Refusals, ExpertsOfWan22ByNameMetadataOrSecondFolder) {
  const TempFolder folder;
  const Specs diffusers = renamed(dit_tensors(), *find_naming(Network::kDit, "diffusers"));
  write_tensors(folder / "transformer/m.safetensors", diffusers);
  write_tensors(folder / "transformer_2/m.safetensors", diffusers);

  EXPECT_REEL_ERROR(open_made(dit_tensors(), "wan_t2v_high_noise_14B.safetensors"), kUnsupported,
                    "Wan2.2-A14B");
  EXPECT_REEL_ERROR(open_made(dit_tensors(), "m.safetensors", {{"title", "Wan2.2 T2V"}}),
                    kUnsupported, "Wan2.2 T2V");
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kUnsupported, "transformer_2");
}

TEST(Refusals, OtherNetworksByName) {
  const struct {
    const char *tensor, *words;
  } kCases[] = {
      {"double_blocks.0.img_attn_qkv.weight", "HunyuanVideo"},
      {"txt_in.individual_token_refiner.blocks.0.norm1.weight", "HunyuanVideo"},
      {"transformer_blocks.0.img_mod.1.weight", "Qwen-Image"},
      {"double_blocks.0.img_attn.qkv.weight", "Flux"},
      {"joint_blocks.0.context_block.attn.qkv.weight", "Stable Diffusion 3"},
      {"blocks.0.self_attn.q.lora_down.weight", "a LoRA"},
  };
  for (const auto& [tensor, words] : kCases) {
    EXPECT_REEL_ERROR(open_made({{tensor, DType::kBF16, {8, 8}}}), kUnsupported, words);
  }
}

TEST(Refusals, OtherNetworksInAFolder) {
  const TempFolder folder;
  write_tensors(folder / "flux/f.safetensors",
                {{"double_blocks.0.img_attn.qkv.weight", DType::kBF16, {8, 8}}});

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kUnsupported, "Flux");
}

TEST(Refusals, ATextToVideoModelBesideAnImageToVideoModelIsChosen) {
  const TempFolder folder;
  write_tensors(folder / "a-i2v.safetensors", with_channels(36));
  write_tensors(folder / "b-t2v.safetensors", dit_tensors());

  EXPECT_EQ(open_checkpoint({.model = folder.path()}).dit->path, folder / "b-t2v.safetensors");
}

TEST(Refusals, MicroscalingAndBlockScales) {
  EXPECT_REEL_ERROR(open_made(with_scale_of_shape(DType::kF8E4M3, DType::kU8, {kDim, 2})),
                    kUnsupported, "MXFP8");
  EXPECT_REEL_ERROR(open_made(with_scale_of_shape(DType::kF8E4M3, DType::kF32, {1, 1, 1, 2})),
                    kBadFile, "one float number, or one per row");
  EXPECT_REEL_ERROR(open_made(dit_tensors(DType::kU8) +
                              Specs{{"blocks.0.ffn.0.weight_scale_2", DType::kF32, {}}}),
                    kUnsupported, "NVFP4");
  Specs wide{{"blocks.0.self_attn.norm_q.weight", DType::kF32, {256}},
             {"blocks.0.self_attn.q.weight", DType::kF8E4M3, {256, 256}},
             {"blocks.0.self_attn.q.weight_scale", DType::kF32, {2, 2}}};
  EXPECT_REEL_ERROR(open_made(wide), kUnsupported, "per block of 128 x 128");
}

TEST(Refusals, ComfyUiFormatsThatAreNotRead) {
  const struct {
    const char *json, *words;
    ErrorCode code;
  } kCases[] = {
      {R"({"format": "nvfp4"})", "\"nvfp4\"", ErrorCode::kUnsupported},
      {R"({"format": "int8_tensorwise", "convrot": true})", "rotated", ErrorCode::kUnsupported},
      {"not JSON", "no description", ErrorCode::kBadFile},
  };
  for (const auto& [json, words, code] : kCases) {
    const TempFolder folder;
    write_with_text(folder / "m.safetensors", dit_tensors(DType::kF8E4M3),
                    "blocks.0.ffn.0.comfy_quant", json);
    try {
      open_checkpoint({.model = folder / "m.safetensors"});
      ADD_FAILURE() << json;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  }
}

TEST(Refusals, ComfyUiFormatsInTheMetadata) {
  EXPECT_REEL_ERROR(open_made(dit_tensors(DType::kF8E4M3), "m.safetensors",
                              {{"_quantization_metadata",
                                R"({"layers": {"blocks.0.ffn.0": {"format": "mxfp8"}}})"}}),
                    kUnsupported, "mxfp8");
}

TEST(Refusals, IntegersWithoutScales) {
  EXPECT_REEL_ERROR(open_made(dit_tensors(DType::kI8)), kBadFile, "int8 without");
}

TEST(Refusals, T5IsNotUmt5) {
  const TempFolder folder;
  write_tensors(folder / "dit.safetensors", dit_tensors());
  Specs t5;
  for (const auto& spec : text_encoder_tensors()) {
    if (!spec.name.starts_with("blocks.1.pos_embedding")) t5.push_back(spec);
  }
  write_tensors(folder / "t5xxl.safetensors", t5);

  const Checkpoint found = open_checkpoint({.model = folder / "dit.safetensors"});

  EXPECT_FALSE(found.text_encoder);
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder / "dit.safetensors",
                                     .text_encoder = folder / "t5xxl.safetensors"}),
                    kUnsupported, "UMT5-XXL is needed");
}

TEST(Refusals, TheVaeOfWan22) {
  const TempFolder folder;
  write_tensors(folder / "dit.safetensors", dit_tensors());
  write_tensors(folder / "wan2.2_vae.safetensors", vae_tensors(48));

  EXPECT_FALSE(open_checkpoint({.model = folder / "dit.safetensors"}).vae);
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder / "dit.safetensors",
                                     .vae = folder / "wan2.2_vae.safetensors"}),
                    kUnsupported, "48 channels");
}

TEST(Refusals, TaesOfOtherModels) {
  const TempFolder folder;
  write_tensors(folder / "dit.safetensors", dit_tensors());
  const auto open_tae = [&](const char* name, int64_t channels) {
    write_tensors(folder / name, tae_tensors(channels));
    return open_checkpoint({.model = folder / "dit.safetensors", .vae = folder / name});
  };

  EXPECT_REEL_ERROR(open_tae("a.pth", 48), kUnsupported,
                    "is the TAE of Wan2.2-TI2V-5B: its latents have 48 channels, 16 are needed");
  EXPECT_REEL_ERROR(open_tae("b.pth", 32), kUnsupported, "is no TAE of Wan 2.1");
  EXPECT_REEL_ERROR(open_tae("taehv.pth", 16), kUnsupported,
                    "is the TAE of HunyuanVideo, as its name says");
  EXPECT_EQ(open_tae("taew2_1.pth", 16).vae->network, Network::kTae);
}

TEST(Refusals, AFolderWithTwoModelsNamesBoth) {
  const TempFolder folder;
  write_tensors(folder / "a.safetensors", with_row_scales(dit_tensors(DType::kF8E4M3)));
  write_tensors(folder / "b.safetensors", dit_tensors());

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kBadFile,
                    "\"a.safetensors\" (fp8) and \"b.safetensors\" (bf16)");
}

TEST(Refusals, BlocksOfTwoPrecisionsNameBoth) {
  const TempFolder folder;
  write_per_block(folder.path(), with_row_scales(dit_tensors(DType::kF8E4M3)));
  write_tensors(folder / "block_1.safetensors", only(dit_tensors(), "blocks.1."));

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kBadFile,
                    "\"block_0.safetensors\" is f8_e4m3, \"block_1.safetensors\" is bf16");
}

TEST(Refusals, TheSameBlockInTwoFilesNamesBoth) {
  const TempFolder folder;
  write_per_block(folder.path(), dit_tensors());
  fs::copy(folder / "block_1.safetensors", folder / "block_1 (1).safetensors");

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kBadFile, "block_1 (1).safetensors");
}

TEST(Refusals, ADamagedBlockFileIsLocated) {
  const TempFolder folder;
  write_per_block(folder.path(), dit_tensors());
  fs::resize_file(folder / "block_1.safetensors", 100);

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kBadFile, "block_1.safetensors");
}

TEST(Refusals, NothingAtAll) {
  const TempFolder folder;

  EXPECT_REEL_ERROR(open_checkpoint({.model = folder / "none"}), kNotFound, "does not exist");
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path()}), kNotFound, "holds no network");
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder.path(), .variant = "fp4"}), kInvalidArgument,
                    "fp8, int8 and bf16");
}

}  // namespace
}  // namespace reel::checkpoint
