// SPDX-License-Identifier: Apache-2.0
// Every spelling of a LoRA's keys leads to the tensor it means, and no other key to any.
#include "checkpoint/lora_keys.h"

#include <gtest/gtest.h>

#include "checkpoint/naming.h"

namespace reel::checkpoint {
namespace {

constexpr const char* kModule = "blocks.12.cross_attn.o";

// Our name for a key, or empty.
std::string target_of(const std::string& key) {
  const auto parsed = parse_lora_key(key);
  if (!parsed) return "";
  const auto target = find_lora_target(parsed->module, parsed->part);
  return target ? target->name : "";
}

TEST(LoraKeys, BothKeysOfEveryPairMeanTheWeight) {
  for (int style = 0; style < lora_styles(); ++style) {
    for (const LoraPart part : {LoraPart::kUp, LoraPart::kDown}) {
      const std::string key = kModule + std::string(lora_ending(style, part));
      const auto parsed = parse_lora_key(key);

      ASSERT_TRUE(parsed.has_value()) << key;
      EXPECT_EQ(parsed->style, style) << key;
      EXPECT_EQ(parsed->part, part) << key;
      EXPECT_EQ(parsed->module, kModule) << key;
      EXPECT_EQ(target_of(key), "blocks.12.cross_attn.o.weight") << key;
    }
  }
}

TEST(LoraKeys, EveryPrefixIsTakenOff) {
  for (const char* prefix : {"", "diffusion_model.", "transformer.", "model.diffusion_model.",
                             "model.", "base_model.model.", "base_model.model.diffusion_model."}) {
    EXPECT_EQ(target_of(prefix + std::string("blocks.0.ffn.2.lora_A.weight")),
              "blocks.0.ffn.2.weight")
        << prefix;
  }
}

TEST(LoraKeys, FullDeltasMeanWeightBiasAndModulation) {
  EXPECT_EQ(target_of("diffusion_model.blocks.3.norm3.diff"), "blocks.3.norm3.weight");
  EXPECT_EQ(target_of("blocks.3.self_attn.norm_q.diff"), "blocks.3.self_attn.norm_q.weight");
  EXPECT_EQ(target_of("patch_embedding.diff"), "patch_embedding.weight");
  EXPECT_EQ(target_of("diffusion_model.blocks.3.ffn.0.diff_b"), "blocks.3.ffn.0.bias");
  EXPECT_EQ(target_of("time_projection.1.diff_b"), "time_projection.1.bias");
  EXPECT_EQ(target_of("blocks.3.diff_m"), "blocks.3.modulation");
  EXPECT_EQ(target_of("head.diff_m"), "head.modulation");
  EXPECT_EQ(target_of("blocks.3.modulation.diff"), "blocks.3.modulation");
}

TEST(LoraKeys, NamesOfDiffusersAreTranslated) {
  EXPECT_EQ(target_of("transformer.blocks.7.attn1.to_out.0.lora_B.weight"),
            "blocks.7.self_attn.o.weight");
  EXPECT_EQ(target_of("transformer.blocks.7.attn2.to_q_lora.up.weight"),
            "blocks.7.cross_attn.q.weight");
  EXPECT_EQ(target_of("blocks.7.ffn.net.0.proj.lora_A.weight"), "blocks.7.ffn.0.weight");
  EXPECT_EQ(target_of("blocks.7.norm2.diff_b"), "blocks.7.norm3.bias");
  EXPECT_EQ(target_of("condition_embedder.time_proj.lora_A.weight"), "time_projection.1.weight");
  EXPECT_STREQ(find_lora_target("proj_out", LoraPart::kUp)->naming, "diffusers");
}

TEST(LoraKeys, NamesOfKohyaHaveNoDots) {
  const Naming& wan = *find_naming(Network::kDit, "Wan");
  for (const std::string module :
       {"patch_embedding", "text_embedding.0", "time_embedding.2", "time_projection.1", "head.head",
        "blocks.39.self_attn.q", "blocks.0.cross_attn.norm_k", "blocks.10.norm3",
        "blocks.4.ffn.2"}) {
    ASSERT_TRUE(wan.ours(module + ".weight").has_value()) << module;
    std::string joined = "lora_unet_" + module;
    for (char& letter : joined) {
      if (letter == '.') letter = '_';
    }
    EXPECT_EQ(target_of(joined + ".lora_down.weight"), module + ".weight");
  }
  EXPECT_STREQ(find_lora_target("lora_unet_blocks_0_ffn_0", LoraPart::kUp)->naming, "kohya");
}

TEST(LoraKeys, OtherKeysMeanNothing) {
  for (const char* key :
       {"", "blocks.0.ffn.0.weight", "blocks.0.ffn.0.bias", "lora_up", "blocks.0.ffn.0.lora_C",
        "blocks.0.ffn.0.lora_up.bias", "blocks.0.cross_attn.k_img.lora_down.weight",
        "double_blocks.0.img_attn.qkv.lora_up.weight", "lora_unet_double_blocks_0.lora_up.weight",
        "blocks.x.ffn.0.lora_up.weight", ".diff", ".lora_A.weight", "diffusion_model..diff_b"}) {
    EXPECT_EQ(target_of(key), "") << key;
  }
}

}  // namespace
}  // namespace reel::checkpoint
