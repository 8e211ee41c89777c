// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/slab_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/tree_digest.h"
#include "checkpoint/checkpoint.h"
#include "formats/slab.h"
#include "formats/slab_writer.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

formats::TensorSpec spec(const std::string& name, const formats::TensorEntry& entry) {
  return {.name = name, .dtype = entry.dtype, .shape = entry.shape};
}

// The networks of layout A are zeros, and so are those of their slab.
void write_slab(const fs::path& path, const Checkpoint& files, bool with_vae = true) {
  std::map<std::string, std::string> metadata{{"checkpoint_kind", "base"},
                                              {"reel.config", R"({"dim": 32, "num_layers": 3})"}};
  formats::SlabUnit unit;
  for (const auto* component : {&*files.dit, &*files.text_encoder, &*files.vae}) {
    if (component->network == Network::kVae && !with_vae) continue;
    add_slab_source(*component, path, metadata);
    for (const auto& [name, tensor] : component->tensors) {
      const std::string ours = slab_tensor_name(component->network, name);
      formats::SlabItem& item = unit.emplace_back();
      item.tensor = spec(ours, *tensor.entry);
      if (tensor.scale) item.scale = spec(formats::slab_scale_name(ours), *tensor.scale);
    }
  }
  const formats::SlabPlan plan({unit}, metadata);
  formats::SlabWriter writer(path, plan);
  for (size_t item = 0; item < plan.items().size(); ++item) {
    const std::vector<std::byte> zeros(plan.items()[item].size_bytes());
    TreeDigest digest(zeros.size());
    digest.add(0, zeros);
    writer.finish(item, digest.hex());
  }
  writer.commit();
}

class SlabSource : public testing::Test {
 protected:
  SlabSource() {
    write_layout_a(root_.path());
    write_slab(slab_, open());
  }
  Checkpoint open(const fs::path& model = {}) {
    return open_checkpoint({.model = model.empty() ? root_.path() : model});
  }
  static bool is_used(const std::optional<Component>& component) {
    return formats::is_slab(*component->tensors.begin()->second.file);
  }
  void expect_unused(const Checkpoint& found, const std::string& why) {
    EXPECT_FALSE(is_used(found.dit));
    ASSERT_EQ(found.warnings.size(), 1u);
    EXPECT_THAT(found.warnings[0], HasSubstr(why));
  }

  TempFolder root_;
  fs::path slab_ = root_ / "distill_fp8/reel.slab";
};

TEST_F(SlabSource, StandsForTheFilesBesideIt) {
  const Checkpoint found = open();

  EXPECT_THAT(found.warnings, IsEmpty());
  EXPECT_THAT(found.notes,
              ElementsAre(HasSubstr("reel.slab\" is read in the place of the DiT, the text encoder "
                                    "and the VAE, which it was made from.")));
  EXPECT_TRUE(is_used(found.dit) && is_used(found.text_encoder) && is_used(found.vae));
  EXPECT_EQ(found.dit->layout, "slab of per-block FP8 (LightX2V)");
  EXPECT_EQ(found.dit->precision, "fp8");
  const StoredTensor& tensor = *found.dit->find("blocks.0.ffn.0.weight");
  EXPECT_NE(tensor.scale, nullptr);
  EXPECT_EQ(tensor.digest.size(), 32u);
  // What else there is to know is still that of the checkpoint.
  EXPECT_EQ(found.verdict, Verdict::kDistilled);
  EXPECT_EQ(found.tokenizer->path.filename(), "spiece.model");
  EXPECT_EQ(found.settings.text_len, 512);
}

TEST_F(SlabSource, IsFoundHoweverTheModelIsGiven) {
  for (const char* model : {"distill_fp8", "distill_fp8/block_1.safetensors"}) {
    EXPECT_TRUE(is_used(open(root_ / model).dit)) << model;
  }
}

TEST_F(SlabSource, IsLeftAloneWhereAskedFor) {
  EXPECT_FALSE(is_used(open_checkpoint({.model = root_.path(), .use_slabs = false}).dit));
}

TEST_F(SlabSource, IsStaleOnceAFileHasChanged) {
  const fs::path block = root_ / "distill_fp8/block_1.safetensors";
  fs::last_write_time(block, fs::last_write_time(block) + std::chrono::seconds(1));

  const Checkpoint found = open();

  expect_unused(found, "was made before \"block_1.safetensors\" changed, so that file is read");
  EXPECT_TRUE(is_used(found.vae));  // which is the same
}

TEST_F(SlabSource, IsThatOfNoOtherFiles) {
  fs::rename(root_ / "distill_fp8/block_1.safetensors",
             root_ / "distill_fp8/renamed_block_1.safetensors");
  fs::remove(root_ / "distill_fp8/diffusion_pytorch_model.safetensors.index.json");

  const Checkpoint found = open();

  EXPECT_FALSE(is_used(found.dit));
  EXPECT_THAT(found.warnings, IsEmpty());
}

TEST_F(SlabSource, GivesWhatItHolds) {
  fs::remove(slab_);
  write_slab(slab_, open(), false);

  const Checkpoint found = open();

  EXPECT_TRUE(is_used(found.text_encoder));
  EXPECT_FALSE(is_used(found.vae));
}

TEST_F(SlabSource, IsLeftAloneWhenDamaged) {
  std::fstream(slab_, std::ios::binary | std::ios::in | std::ios::out).seekp(100).put('\1');
  expect_unused(open(), "is left alone and the checkpoint read itself: ");
}

TEST_F(SlabSource, IsLeftAloneWhenItHoldsOtherTensors) {
  const Checkpoint files = open_checkpoint({.model = root_.path(), .use_slabs = false});
  Checkpoint fewer = files;
  fewer.dit->tensors.erase("blocks.1.ffn.0.bias");
  fs::remove(slab_);
  write_slab(slab_, fewer);

  expect_unused(open(), "its tensors are not those of ");
}

TEST_F(SlabSource, IsAWholeModelAlone) {
  const TempFolder other;
  fs::copy(slab_, other / "any.slab");
  for (const fs::path& model : {other.path(), other / "any.slab"}) {
    const Checkpoint found = open(model);

    EXPECT_TRUE(is_used(found.dit) && is_used(found.text_encoder) && is_used(found.vae));
    EXPECT_EQ(found.verdict, Verdict::kBase);
    EXPECT_EQ(found.settings.layers, 3);
    EXPECT_EQ(found.config, other / "any.slab");
    EXPECT_THAT(found.dit->unread, IsEmpty());
  }
  fs::copy(slab_, other / "more.slab");
  EXPECT_REEL_ERROR(open(other.path()), kBadFile, "holds more than one slab");
}

TEST_F(SlabSource, LiesBesideTheDitUnderItsName) {
  EXPECT_EQ(default_slab(*open_checkpoint({.model = root_.path(), .use_slabs = false}).dit), slab_);
  write_tensors(root_ / "single/wan.safetensors", dit_tensors());
  EXPECT_EQ(default_slab(*open(root_ / "single").dit), root_ / "single/wan.slab");
}

}  // namespace
}  // namespace reel::checkpoint
