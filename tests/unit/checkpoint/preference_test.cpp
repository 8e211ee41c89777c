// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/preference.h"

#include <gtest/gtest.h>

#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

class Preference : public testing::Test {
 protected:
  Candidate vae(const std::string& name, DType dtype, int64_t width = 8) {
    test::Specs tensors = test::vae_tensors();
    for (formats::TensorSpec& spec : tensors) {
      spec.dtype = dtype;
      if (spec.name == "decoder.conv1.weight") spec.shape = {width, 16, 3, 3, 3};
    }
    test::write_tensors(folder_ / name, tensors);
    return *candidate_at(shelf_, folder_ / name, Network::kVae);
  }

  test::TempFolder folder_;
  WeightShelf shelf_;
};

TEST_F(Preference, IsForTheWidestNumbersOfAVaeAndForTheVariant) {
  const Candidate f32 = vae("a.safetensors", DType::kF32);
  const Candidate bf16 = vae("b.safetensors", DType::kBF16);
  EXPECT_LT(rank_of(f32, ""), rank_of(bf16, ""));
  EXPECT_LT(rank_of(bf16, "bf16"), rank_of(f32, "bf16"));
}

TEST_F(Preference, IsForTheFullVaeWhateverItsNumbersAndThenForItsName) {
  const Candidate pruned = vae("a.safetensors", DType::kF32);
  const Candidate full = vae("b.safetensors", DType::kBF16, 32);
  const Candidate qwens = vae("qwen_image_vae.safetensors", DType::kF32, 32);
  EXPECT_LT(rank_of(full, ""), rank_of(pruned, ""));
  EXPECT_LT(rank_of(pruned, ""), rank_of(qwens, ""));
}

}  // namespace
}  // namespace reel::checkpoint
