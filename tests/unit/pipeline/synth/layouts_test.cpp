// SPDX-License-Identifier: Apache-2.0
// Every layout is opened as a user's checkpoint would be and compared with the numbers behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <cmath>
#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_vae/names.h"
#include "pipeline/synth/model.h"
#include "prepare/dequantise.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

using checkpoint::Component;
using checkpoint::TokenizerFormat;

constexpr uint64_t kSeed = 11;

struct Layout {
  const char* name;
  const char* precision;  // of the DiT, as inspect calls it
  // How far the DiT's matrices and other tensors are from their f32 numbers, in the 2-norm.
  double matrix_error, other_error;
  TokenizerFormat tokenizer;
};

// bf16 rounds by up to 1/256, 0.17 % in the mean square. Block formats: half a step of uniform
// numbers is 0.58 / 2^(bits - 1), more where the scales of small groups have few bits.
constexpr double kBf16 = 0.002;
constexpr Layout kLayouts[] = {
    {"distill_fp8", "fp8", 0.03, 0, TokenizerFormat::kSpieceModel},
    {"distill_int8", "int8", 0.006, 0, TokenizerFormat::kSpieceModel},
    {"bf16", "bf16", kBf16, kBf16, TokenizerFormat::kSpieceModel},
    {"official", "f32", 0, 0, TokenizerFormat::kSpieceModel},
    {"comfy_fp8", "fp8", 0.03, kBf16, TokenizerFormat::kEmbeddedProto},
    {"diffusers", "bf16", kBf16, kBf16, TokenizerFormat::kSpieceModel},
    {"gguf:f32", "f32", 0, 0, TokenizerFormat::kGguf},
    {"gguf:f16", "f16", 0.0003, 0.0003, TokenizerFormat::kGguf},
    {"gguf:bf16", "bf16", kBf16, kBf16, TokenizerFormat::kGguf},
    {"gguf:q8_0", "q8_0", 0.006, kBf16, TokenizerFormat::kGguf},
    {"gguf:q5_1", "q5_1", 0.04, kBf16, TokenizerFormat::kGguf},
    {"gguf:q4_0", "q4_0", 0.09, kBf16, TokenizerFormat::kGguf},
    {"gguf:q6_k", "q6_k", 0.03, kBf16, TokenizerFormat::kGguf},
    {"gguf:q5_k_m", "q5_k", 0.04, kBf16, TokenizerFormat::kGguf},
    {"gguf:q4_k_m", "q4_k", 0.08, kBf16, TokenizerFormat::kGguf},
    {"gguf:q4_k_s", "q4_k", 0.08, kBf16, TokenizerFormat::kGguf},
    {"gguf:q3_k_m", "q3_k", 0.2, kBf16, TokenizerFormat::kGguf},
    {"gguf:q2_k", "q2_k", 0.4, kBf16, TokenizerFormat::kGguf},
};

std::vector<float> stored_numbers(const checkpoint::StoredTensor& tensor) {
  const Shape& shape = tensor.entry->shape;
  std::vector<float> numbers(static_cast<size_t>(shape.elements()));
  prepare::read_rows(tensor, 0, shape.axes() == 0 ? 1 : shape[0], numbers);
  return numbers;
}

// The tensors of a network that a run reads, against the rules behind their numbers.
void expect_holds(const Component& component, const std::vector<synth::SourceTensor>& sources,
                  size_t needed_count, double matrix_error, double other_error) {
  size_t compared = 0;
  for (const synth::SourceTensor& source : sources) {
    const checkpoint::StoredTensor* stored = component.find(source.name);
    if (stored == nullptr) continue;  // check_complete has seen that it is not needed
    ++compared;
    std::vector<float> want(static_cast<size_t>(source.shape.elements()));
    source.values->fill(0, want);
    const double error = test::relative_error(stored_numbers(*stored), want);
    EXPECT_LE(error, source.is_matrix ? matrix_error : other_error) << source.name;
  }
  EXPECT_EQ(compared, needed_count);
  EXPECT_EQ(component.tensors.size(), needed_count);
}

class SynthLayouts : public testing::TestWithParam<Layout> {
 protected:
  checkpoint::Checkpoint write_and_open(bool with_vace = false) {
    synthesize(
        {.layout = GetParam().name, .out = folder_ / "out", .seed = kSeed, .with_vace = with_vace});
    return checkpoint::open_checkpoint({.model = folder_ / "out"});
  }

  test::TempFolder folder_;
  synth::Model model_ = synth::model_of({.seed = kSeed});
};

TEST_P(SynthLayouts, OpenAsACompleteCheckpointOfTheSameNumbers) {
  const Layout& layout = GetParam();

  const checkpoint::Checkpoint found = write_and_open();

  EXPECT_THAT(found.missing, testing::IsEmpty());
  ASSERT_TRUE(found.dit && found.text_encoder && found.vae && found.tokenizer);
  EXPECT_EQ(found.dit->precision, layout.precision);
  EXPECT_EQ(found.tokenizer->format, layout.tokenizer);
  EXPECT_EQ(found.settings.width_px, 64);
  EXPECT_EQ(found.settings.frames, 9);
  const auto dit = needed_tensors(wan_dit::name_units(model_.dit), wan_dit::dims_of(model_.dit));
  const auto text =
      needed_tensors(umt5::name_units(model_.text_encoder), umt5::dims_of(model_.text_encoder));
  const auto vae = needed_tensors(wan_vae::name_units(), wan_vae::dims_of(model_.vae));
  check_complete(*found.dit, dit);
  check_complete(*found.text_encoder, text);
  check_complete(*found.vae, vae);

  expect_holds(*found.dit, synth::dit_tensors(model_), dit.size(), layout.matrix_error,
               layout.other_error);
  // Its table of words is quantised in GGUF files, and it is bf16 where the DiT is f32.
  const double text_error = std::max(layout.matrix_error, kBf16);
  expect_holds(*found.text_encoder, synth::text_encoder_tensors(model_), text.size(), text_error,
               text_error);
  expect_holds(*found.vae, synth::vae_tensors(model_), vae.size(), 0, 0);
}

TEST_P(SynthLayouts, LeaveVaceTensorsUnread) {
  if (std::string(GetParam().name) == "diffusers") {
    EXPECT_REEL_ERROR(write_and_open(true), kUnsupported, "VACE tensors are asked for");
    return;
  }

  const checkpoint::Checkpoint found = write_and_open(true);

  ASSERT_TRUE(found.dit);
  check_complete(*found.dit,
                 needed_tensors(wan_dit::name_units(model_.dit), wan_dit::dims_of(model_.dit)));
  EXPECT_THAT(found.dit->unread, testing::Contains("vace_patch_embedding.weight"));
  EXPECT_EQ(found.dit->find("vace_blocks.0.after_proj.weight"), nullptr);
}

std::string test_name(const testing::TestParamInfo<Layout>& info) {
  std::string name = info.param.name;
  for (char& letter : name) {
    if (letter == ':') letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, SynthLayouts, testing::ValuesIn(kLayouts), test_name);

TEST(SynthGguf, GivesMoreBitsToTheMatricesThatNeedThem) {
  const test::TempFolder folder;
  synthesize({.layout = "gguf:q4_k_s", .out = folder / "out", .layers = 3, .sparse = true});

  const auto found = checkpoint::open_checkpoint({.model = folder / "out"});
  const auto dtype = [&](const char* name) { return found.dit->find(name)->entry->dtype; };
  EXPECT_EQ(dtype("blocks.0.self_attn.q.weight"), DType::kQ4_K);
  // The first four value matrices of the file, and all last ones of the feed-forward networks.
  EXPECT_EQ(dtype("blocks.0.self_attn.v.weight"), DType::kQ5_K);
  EXPECT_EQ(dtype("blocks.1.cross_attn.v.weight"), DType::kQ5_K);
  EXPECT_EQ(dtype("blocks.2.self_attn.v.weight"), DType::kQ4_K);
  EXPECT_EQ(dtype("blocks.2.ffn.2.weight"), DType::kQ5_K);
  EXPECT_EQ(dtype("patch_embedding.weight"), DType::kF32);
  EXPECT_EQ(dtype("blocks.1.modulation"), DType::kF32);
  EXPECT_EQ(dtype("time_embedding.0.weight"), DType::kBF16);
}

TEST(SynthGguf, FallsBackToF16WhereBlocksDoNotFit) {
  const test::TempFolder folder;
  synthesize({.layout = "gguf:q4_k_m", .out = folder / "out", .dim = 384, .sparse = true});

  const auto found = checkpoint::open_checkpoint({.model = folder / "out"});
  EXPECT_EQ(found.dit->find("blocks.0.ffn.0.weight")->entry->dtype, DType::kF16);
  EXPECT_EQ(found.dit->find("blocks.0.ffn.2.weight")->entry->dtype, DType::kQ6_K);
}

TEST(SynthGguf, TakesTheNamesOfFilesAndOfFormats) {
  const test::TempFolder folder;
  synthesize({.layout = "gguf:Q8_0", .out = folder / "eight", .sparse = true});
  synthesize({.layout = "gguf:Q4_K", .out = folder / "four", .sparse = true});

  EXPECT_TRUE(std::filesystem::exists(folder / "eight/umt5-xxl-encoder-Q8_0.gguf"));
  EXPECT_TRUE(std::filesystem::exists(folder / "four/umt5-xxl-encoder-Q4_K_M.gguf"));
}

TEST(SynthGguf, NamesItsTypes) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(synthesize({.layout = "gguf:iq4_xs", .out = folder / "out"}), kInvalidArgument,
                    "q4_k_m");
}

}  // namespace
}  // namespace reel
