// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/naming.h"

#include <gtest/gtest.h>

#include "checkpoint/name_table.h"
#include "models/tae/names.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_vae/names.h"

namespace reel::checkpoint {
namespace {

std::vector<NeededTensor> needed_by(Network network) {
  const wan_dit::Config dit{.dim = 256, .ffn_dim = 1024, .layers = 2, .text_dim = 64};
  const umt5::Config text{
      .vocab = 100, .dim = 64, .attn_dim = 64, .heads = 4, .ffn_dim = 128, .layers = 2};
  switch (network) {
    case Network::kDit: return needed_tensors(wan_dit::name_units(dit), wan_dit::dims_of(dit));
    case Network::kTextEncoder: return needed_tensors(umt5::name_units(text), umt5::dims_of(text));
    case Network::kTae: return needed_tensors(tae::name_units({}), tae::dims_of({}));
    case Network::kVae: break;
  }
  return needed_tensors(wan_vae::name_units(), wan_vae::dims_of({}));
}

TEST(Naming, EveryTensorOfEveryModelGoesToEveryNamingAndBack) {
  for (const Naming& naming : namings()) {
    for (const NeededTensor& tensor : needed_by(naming.network())) {
      const auto theirs = naming.theirs(tensor.name);
      ASSERT_TRUE(theirs) << naming.name() << " has no name for " << tensor.name;
      const auto back = naming.ours(*theirs);
      ASSERT_TRUE(back) << *theirs;
      EXPECT_EQ(back->full(), tensor.name) << "by way of " << *theirs;
    }
  }
}

TEST(Naming, SwapsTheNormsOfDiffusers) {
  const Naming& diffusers = *find_naming(Network::kDit, "diffusers");

  EXPECT_EQ(diffusers.theirs("blocks.7.norm3.bias"), "blocks.7.norm2.bias");
  EXPECT_EQ(diffusers.ours("blocks.7.norm3.bias"), std::nullopt);
}

TEST(Naming, TellsFixedNumbersFromIndexes) {
  const Naming& wan = *find_naming(Network::kDit, "Wan");

  EXPECT_TRUE(wan.ours("blocks.99.ffn.2.weight"));
  EXPECT_FALSE(wan.ours("blocks.99.ffn.1.weight"));
  EXPECT_FALSE(wan.ours("text_embedding.1.weight"));
}

TEST(Naming, CutsOffTheKindOfScale) {
  const auto name = find_naming(Network::kDit, "Wan")->ours("blocks.3.ffn.0.weight_scale");

  ASSERT_TRUE(name);
  EXPECT_EQ(name->module, "blocks.3.ffn.0");
  EXPECT_EQ(name->leaf, "weight_scale");
}

TEST(Naming, KnowsNothingOfLorasAndNonsense) {
  const Naming& wan = *find_naming(Network::kDit, "Wan");

  for (const char* name :
       {"", ".", "#", "blocks.#", "blocks..ffn.0.weight", "blocks.0.ffn.0",
        "blocks.0.ffn.0.lora_down.weight", "head.head.weight.", "blocks.1.blocks.1.ffn.0.weight"}) {
    EXPECT_FALSE(wan.ours(name)) << name;
  }
}

TEST(Naming, MapsTheLevelsOfTheDiffusersVae) {
  const Naming& diffusers = *find_naming(Network::kVae, "diffusers");

  // Stage 4 * 2 + 1 is the second residual block of level 2.
  EXPECT_EQ(diffusers.theirs("decoder.upsamples.9.residual.6.bias"),
            "decoder.up_blocks.2.resnets.1.conv2.bias");
  EXPECT_EQ(diffusers.theirs("decoder.upsamples.7.time_conv.weight"),
            "decoder.up_blocks.1.upsamplers.0.time_conv.weight");
}

}  // namespace
}  // namespace reel::checkpoint
