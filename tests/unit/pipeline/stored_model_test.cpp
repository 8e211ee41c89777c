// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stored_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "pipeline/tokenizer_source.h"
#include "prepare/dequantise.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "tokenizer/tokenizer.h"
#include "unit/pipeline/stored_ids.h"

namespace reel {
namespace {

namespace fs = std::filesystem;
using checkpoint::Checkpoint;
using checkpoint::Component;

std::map<std::string, std::vector<float>> numbers_of(const Component& component) {
  std::map<std::string, std::vector<float>> all;
  for (const auto& [name, tensor] : component.tensors) {
    const Shape& shape = tensor.entry->shape;
    auto& numbers = all[name];
    numbers.resize(static_cast<size_t>(shape.elements()));
    prepare::read_rows(tensor, 0, shape.axes() == 0 ? 1 : shape[0], numbers);
  }
  return all;
}

class StoredModel : public testing::Test {
 protected:
  std::string write(const std::string& layout, const std::string& name = "first") {
    synthesize({.layout = layout, .out = folder_ / name, .seed = 3});
    return folder_ / name;
  }
  Checkpoint rewrite(const std::string& from, const std::string& layout,
                     const std::string& name = "second") {
    synthesize({.layout = layout, .out = folder_ / name, .weights_from = from});
    return checkpoint::open_checkpoint({.model = folder_ / name});
  }

  test::TempFolder folder_;
};

TEST_F(StoredModel, KeepsEveryNumberWhereTheNewFormatHoldsIt) {
  for (const std::string layout :
       {"distill_int8", "bf16", "comfy_fp8", "diffusers", "gguf:q4_k_m"}) {
    fs::remove_all(folder_ / "first");
    fs::remove_all(folder_ / "second");
    const Checkpoint first = checkpoint::open_checkpoint({.model = write(layout)});

    const Checkpoint second = rewrite(folder_ / "first", "gguf:f32");

    EXPECT_EQ(numbers_of(*second.dit), numbers_of(*first.dit)) << layout;
    EXPECT_EQ(numbers_of(*second.text_encoder), numbers_of(*first.text_encoder)) << layout;
    EXPECT_EQ(numbers_of(*second.vae), numbers_of(*first.vae)) << layout;
  }
}

TEST_F(StoredModel, TakesTheTokenizerAlongInEveryForm) {
  const std::string first = write("official");
  const auto ids = test::ids_of(checkpoint::open_checkpoint({.model = first}));

  EXPECT_EQ(test::ids_of(rewrite(first, "comfy_fp8", "tensor")), ids);
  EXPECT_EQ(test::ids_of(rewrite(folder_ / "tensor", "gguf:q8_0", "metadata")), ids);
  EXPECT_EQ(test::ids_of(rewrite(folder_ / "metadata", "diffusers", "file")), ids);

  fs::remove(folder_ / "first/google/umt5-xxl/spiece.model");
  EXPECT_EQ(test::ids_of(rewrite(first, "bf16", "from_json")), ids);
}

TEST_F(StoredModel, StaysDistilledOrBaseWhateverTheLayoutIsCalled) {
  const std::string base = write("official", "Wan2.1-T2V-1.3B");
  ASSERT_EQ(checkpoint::open_checkpoint({.model = base}).verdict, checkpoint::Verdict::kBase);

  EXPECT_EQ(rewrite(base, "distill_fp8", "a").verdict, checkpoint::Verdict::kBase);
  EXPECT_EQ(rewrite(base, "gguf:q8_0", "b").verdict, checkpoint::Verdict::kBase);
  EXPECT_EQ(rewrite(base, "diffusers", "c").verdict, checkpoint::Verdict::kBase);
  const std::string distilled = write("bf16", "first");
  EXPECT_EQ(rewrite(distilled, "official", "Wan2.1-T2V-14B").verdict,
            checkpoint::Verdict::kDistilled);
}

TEST_F(StoredModel, KeepsWhatConfigJsonRecommends) {
  const Checkpoint second = rewrite(write("bf16"), "diffusers");

  EXPECT_EQ(second.settings.display_name, "random tiny");
  EXPECT_EQ(second.settings.width_px, 64);
  EXPECT_EQ(second.settings.frames, 9);
}

TEST_F(StoredModel, LeavesOutTheEncoderOfTheVae) {
  const Checkpoint second = rewrite(write("bf16"), "official");

  EXPECT_THAT(second.vae->unread, testing::IsEmpty());
}

TEST_F(StoredModel, RefusesDimensionsOfItsOwn) {
  const std::string first = write("bf16");

  EXPECT_REEL_ERROR(synthesize({.out = folder_ / "out", .layers = 3, .weights_from = first}),
                    kInvalidArgument, "layers is 3, but the weights of");
}

TEST_F(StoredModel, NamesWhatAHalfModelLacks) {
  const std::string first = write("bf16");
  fs::remove(folder_ / "first/distill_models/Wan2.1_VAE.pth");

  EXPECT_REEL_ERROR(synthesize({.out = folder_ / "out", .weights_from = first}), kNotFound,
                    "is no whole model");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace reel
