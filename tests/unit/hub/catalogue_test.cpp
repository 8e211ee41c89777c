// SPDX-License-Identifier: Apache-2.0
#include "hub/catalogue.h"

#include <gtest/gtest.h>
#include <reel/hub.h>

#include <set>

#include "hub/file_filter.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

TEST(Catalogue, EveryEntryNamesAllPartsOfAModel) {
  std::set<std::string> names;
  for (const CatalogueEntry& entry : catalogue_entries()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(entry.name.find('/'), std::string::npos);
    EXPECT_FALSE(entry.summary.empty());
    EXPECT_GT(entry.about_bytes, 10'000'000'000u) << entry.name;
    std::set<std::string> parts;
    for (const CataloguePart& part : entry.parts) {
      parts.insert(part.what);
      ASSERT_FALSE(part.sources.empty());
      for (const CatalogueSource& source : part.sources) {
        EXPECT_TRUE(is_repository_id(source.repository)) << source.repository;
      }
    }
    for (const char* what : {"the DiT", "the text encoder", "the VAE", "the tokenizer"}) {
      EXPECT_TRUE(parts.contains(what)) << entry.name << " has not " << what;
    }
  }
  EXPECT_EQ(catalogue().size(), names.size());
}

// Files as the repository lists them, and the part that must take each.
TEST(Catalogue, TakesThePublishedFiles) {
  const CatalogueEntry* entry = find_in_catalogue("wan2.1-t2v-14b-int8");
  ASSERT_NE(entry, nullptr);
  const auto part_of = [&](const std::string& path) -> std::string {
    for (const CataloguePart& part : entry->parts) {
      if (matches(part.sources[0].pattern, path)) return part.what;
    }
    return "";
  };
  EXPECT_EQ(part_of("distill_int8/block_39.safetensors"), "the DiT");
  EXPECT_EQ(part_of("distill_int8/non_block.safetensors"), "the DiT");
  EXPECT_EQ(part_of("distill_int8/diffusion_pytorch_model.safetensors.index.json"),
            "the index of the DiT");
  EXPECT_EQ(part_of("distill_int8/models_t5_umt5-xxl-enc-int8.pth"), "the text encoder");
  EXPECT_EQ(part_of("distill_int8/Wan2.1_VAE.pth"), "the VAE");
  EXPECT_EQ(part_of("google/umt5-xxl/spiece.model"), "the tokenizer");
  EXPECT_EQ(part_of("distill_fp8/block_0.safetensors"), "");
  EXPECT_EQ(part_of("loras/Wan21_T2V_14B_lightx2v_cfg_step_distill_lora_rank64.safetensors"), "");
}

TEST(Catalogue, PutsComfysFilesWhereTheyAreFound) {
  EXPECT_EQ(local_path({"a/b", "*", "split_files/"}, "split_files/vae/wan_2.1_vae.safetensors"),
            "vae/wan_2.1_vae.safetensors");
  EXPECT_EQ(local_path({"a/b", "*", "", "diffusion_models/"}, "x.gguf"), "diffusion_models/x.gguf");
  EXPECT_EQ(local_path({"a/b", "*"}, "distill_fp8/x"), "distill_fp8/x");
}

TEST(Catalogue, KnowsNoOtherNames) { EXPECT_EQ(find_in_catalogue("wan3"), nullptr); }

}  // namespace
}  // namespace reel::hub
