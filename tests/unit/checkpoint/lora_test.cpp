// SPDX-License-Identifier: Apache-2.0
// LoRA files: what is found in them, what they change, and which are refused.
#include "checkpoint/lora.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <span>

#include "formats/safetensors_writer.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/checkpoint/made_up.h"

namespace reel::checkpoint {
namespace {

using namespace reel::test;  // NOLINT: the helpers of this folder's tests

const std::string kQ = "blocks.0.self_attn.q";
const std::string kFfn = "blocks.1.ffn.0";

Specs pair_of(const std::string& module, int64_t out, int64_t rank, int64_t in,
              DType dtype = DType::kBF16) {
  return {{module + ".lora_up.weight", dtype, {out, rank}},
          {module + ".lora_down.weight", dtype, {rank, in}}};
}

Lora open_made_lora(const Specs& tensors) {
  const TempFolder folder;
  write_tensors(folder / "l.safetensors", tensors);
  return open_lora(folder / "l.safetensors");
}

// A file with one more tensor, which holds these bytes.
template <typename Number>
Lora open_with_alpha(const Specs& tensors, DType dtype, Number alpha, const Shape& shape = {}) {
  const TempFolder folder;
  Specs all = tensors;
  all.push_back({kQ + ".alpha", dtype, shape});
  const auto writer = formats::start_safetensors(folder / "l.safetensors", all, {});
  // Wide numbers come first in the file, but are declared in this order.
  for (const auto& spec : tensors) {
    writer->append(std::vector<std::byte>(
        static_cast<size_t>(storage_bytes(spec.dtype, spec.shape.elements()))));
  }
  writer->append(std::as_bytes(std::span(&alpha, 1)));
  writer->commit();
  return open_lora(folder / "l.safetensors");
}

Component dit() {
  const TempFolder folder;
  write_tensors(folder / "m.safetensors", dit_tensors());
  return *open_checkpoint({.model = folder / "m.safetensors"}).dit;
}

TEST(Lora, ReadsPairsAndFullDeltas) {
  const Lora lora =
      open_made_lora(pair_of("diffusion_model." + kQ, kDim, 4, kDim) +
                     Specs{{"diffusion_model.blocks.2.diff_m", DType::kF32, {1, 6, kDim}},
                           {"diffusion_model." + kFfn + ".diff_b", DType::kF16, {2 * kDim}}});

  ASSERT_EQ(lora.changes.size(), 3u);
  EXPECT_EQ(lora.changes[0].target, kQ + ".weight");
  EXPECT_EQ(lora.changes[0].delta.rank, 4);
  EXPECT_EQ(lora.changes[0].delta.factor, 1);
  EXPECT_EQ(lora.changes[1].target, kFfn + ".bias");
  EXPECT_EQ(lora.changes[1].delta.down, nullptr);
  EXPECT_EQ(lora.changes[2].target, "blocks.2.modulation");
  EXPECT_EQ(lora.styles, std::vector<std::string>{".lora_up.weight and .lora_down.weight"});
  EXPECT_EQ(lora.namings, std::vector<std::string>{"Wan"});
  EXPECT_EQ(ranks_of(lora), (std::pair<int64_t, int64_t>{4, 4}));
  EXPECT_TRUE(lora.unknown.empty());
  EXPECT_TRUE(is_lora(*lora.file));
}

TEST(Lora, IsReadFromAPthToo) {
  const TempFolder folder;
  write_tensors(folder / "l.pth", pair_of("transformer.blocks.0.attn1.to_out.0", kDim, 4, kDim));

  const Lora lora = open_lora(folder / "l.pth");

  ASSERT_EQ(lora.changes.size(), 1u);
  EXPECT_EQ(lora.changes[0].target, "blocks.0.self_attn.o.weight");
  EXPECT_EQ(lora.namings, std::vector<std::string>{"diffusers"});
}

TEST(Lora, AlphaOverRankIsTheFactorAndZeroCountsAsNone) {
  const Specs pair = pair_of(kQ, kDim, 4, kDim, DType::kF32);
  const auto factor = [](const Lora& lora) { return lora.changes.at(0).delta.factor; };

  EXPECT_EQ(factor(open_with_alpha(pair, DType::kF32, 2.0f)), 0.5f);
  EXPECT_EQ(factor(open_with_alpha(pair, DType::kF32, 2.0f, {1})), 0.5f);
  EXPECT_EQ(factor(open_with_alpha(pair, DType::kBF16, uint16_t{0x4100})), 2.0f);
  EXPECT_EQ(factor(open_with_alpha(pair, DType::kF16, uint16_t{0x4000})), 0.5f);
  EXPECT_EQ(factor(open_with_alpha(pair, DType::kF32, 0.0f)), 1.0f);
}

TEST(Lora, RefusesAnAlphaThatIsNoNumber) {
  const Specs pair = pair_of(kQ, kDim, 4, kDim, DType::kF32);

  EXPECT_REEL_ERROR(open_with_alpha(pair, DType::kF32, NAN), kBadFile, "is not finite");
  EXPECT_REEL_ERROR(open_with_alpha(pair, DType::kF32, std::array{1.0f, 2.0f}, {2}), kBadFile,
                    "an alpha is one number");
  EXPECT_REEL_ERROR(open_with_alpha(pair, DType::kU8, uint8_t{3}), kUnsupported, "is u8");
}

TEST(Lora, RefusesHalfAPairAndRanksThatDiffer) {
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".lora_up.weight", DType::kF32, {kDim, 4}}}), kBadFile,
                    "but no \"blocks.0.self_attn.q.lora_down.weight\"");
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".lora_A", DType::kF32, {4, kDim}}}), kBadFile,
                    "but no \"blocks.0.self_attn.q.lora_B\"");
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".lora_up.weight", DType::kF32, {kDim, 4}},
                                    {kQ + ".lora_down.weight", DType::kF32, {5, kDim}}}),
                    kBadFile, "of one rank are needed");
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".lora_up.weight", DType::kF32, {kDim, 0}},
                                    {kQ + ".lora_down.weight", DType::kF32, {0, kDim}}}),
                    kBadFile, "of one rank are needed");
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".lora_up.weight", DType::kF32, {}},
                                    {kQ + ".lora_down.weight", DType::kF32, {}}}),
                    kBadFile, "of one rank are needed");
}

TEST(Lora, RefusesWhatIsNoSum) {
  const Specs pair = pair_of(kQ, kDim, 4, kDim);

  EXPECT_REEL_ERROR(open_made_lora(pair + Specs{{kQ + ".dora_scale", DType::kF32, {kDim}}}),
                    kUnsupported, "is a DoRA");
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".hada_w1_a", DType::kF32, {kDim, 4}}}), kUnsupported,
                    "is a LoHa");
  EXPECT_REEL_ERROR(open_made_lora({{kQ + ".lokr_w1", DType::kF32, {4, 4}}}), kUnsupported,
                    "a LoKr");
  EXPECT_REEL_ERROR(open_made_lora(pair_of(kQ, kDim, 4, kDim, DType::kI8)), kUnsupported,
                    "a LoRA holds f32, f16 or bf16");
}

TEST(Lora, RefusesATextEncodersTensors) {
  EXPECT_REEL_ERROR(open_made_lora(pair_of(kQ, kDim, 4, kDim) +
                                   pair_of("text_encoder.blocks.0.attn.q", kDim, 4, kDim)),
                    kUnsupported, "changes a text encoder");
}

TEST(Lora, RefusesAFileForAnotherNetwork) {
  EXPECT_REEL_ERROR(
      open_made_lora(pair_of("double_blocks.0.img_attn.qkv", kDim, 4, kDim)), kBadFile,
      "changes nothing in a Wan DiT: \"double_blocks.0.img_attn.qkv.lora_up.weight\"");
  EXPECT_REEL_ERROR(open_made_lora(dit_tensors()), kBadFile, "changes nothing in a Wan DiT");
}

TEST(Lora, NamesEveryTensorThatIsLeftOut) {
  const Lora lora = open_made_lora(
      pair_of(kQ, kDim, 4, kDim) + pair_of("blocks.0.cross_attn.k_img", kDim, 4, kDim) +
      pair_of("blocks.7.ffn.2", kDim, 4, kDim) + Specs{{"blocks.5.ffn.0.alpha", DType::kF32, {}}});
  Component component = dit();

  const std::string sentence = left_out_sentence(lora, add_lora(component, lora, 1));

  EXPECT_NE(sentence.find("has 4 tensors that belong to nothing"), std::string::npos) << sentence;
  for (const char* name :
       {"blocks.0.cross_attn.k_img.lora_up.weight", "blocks.0.cross_attn.k_img.lora_down.weight",
        "blocks.7.ffn.2.lora_up.weight", "blocks.5.ffn.0.alpha"}) {
    EXPECT_NE(sentence.find('"' + std::string(name) + '"'), std::string::npos) << sentence;
  }
  EXPECT_EQ(component.find(kQ + ".weight")->deltas.size(), 1u);
}

TEST(Lora, IsAddedInOrderWithItsStrength) {
  const Specs pair = pair_of(kQ, kDim, 4, kDim);
  Component component = dit();

  add_lora(component, open_made_lora(pair), 0.5f);
  add_lora(component, open_made_lora(pair_of(kQ, kDim, 8, kDim)), -2);
  add_lora(component, open_made_lora(pair), 0);

  const auto& deltas = component.find(kQ + ".weight")->deltas;
  ASSERT_EQ(deltas.size(), 2u);
  EXPECT_EQ(deltas[0].factor, 0.5f);
  EXPECT_EQ(deltas[0].rank, 4);
  EXPECT_EQ(deltas[1].factor, -2);
  EXPECT_EQ(deltas[1].rank, 8);
  EXPECT_TRUE(component.find(kFfn + ".weight")->deltas.empty());
}

TEST(Lora, RefusesAnotherSizeNamingBothTensors) {
  Component component = dit();

  EXPECT_REEL_ERROR(add_lora(component, open_made_lora(pair_of(kQ, 2 * kDim, 4, kDim)), 1),
                    kBadFile,
                    "\"blocks.0.self_attn.q.lora_up.weight\" is [64, 4]; the model's "
                    "\"blocks.0.self_attn.q.weight\" [32, 32] needs [32, 4]");
  EXPECT_REEL_ERROR(add_lora(component, open_made_lora(pair_of(kQ, kDim, 4, 48)), 1), kBadFile,
                    "needs [4, 32]");
  EXPECT_REEL_ERROR(
      add_lora(component, open_made_lora({{kFfn + ".diff_b", DType::kF32, {kDim}}}), 1), kBadFile,
      "needs [64]");
  EXPECT_REEL_ERROR(
      add_lora(component, open_made_lora({{kQ + ".diff", DType::kF32, {kDim * kDim}}}), 0),
      kBadFile, "needs [32, 32]");
  EXPECT_REEL_ERROR(
      add_lora(component, open_made_lora(pair_of("blocks.9.ffn.2", kDim, 4, kDim)), 1), kBadFile,
      "has no place in it");
}

TEST(Lora, TakesAConvolutionsPairAndShapesWithoutOnes) {
  Component component = dit();

  add_lora(component,
           open_made_lora({{"patch_embedding.lora_up.weight", DType::kF32, {kDim, 4, 1, 1, 1}},
                           {"patch_embedding.lora_down.weight", DType::kF32, {4, 16, 1, 2, 2}},
                           {"blocks.0.diff_m", DType::kF32, {6, kDim}}}),
           1);

  EXPECT_EQ(component.find("patch_embedding.weight")->deltas.size(), 1u);
  EXPECT_EQ(component.find("blocks.0.modulation")->deltas.size(), 1u);
}

TEST(Lora, IsPartOfAnOpenCheckpoint) {
  const TempFolder folder;
  write_tensors(folder / "m.safetensors", dit_tensors());
  write_tensors(folder / "l.safetensors",
                pair_of(kQ, kDim, 4, kDim) + pair_of("blocks.7.ffn.2", kDim, 4, kDim));

  const Checkpoint found = open_checkpoint(
      {.model = folder / "m.safetensors", .loras = {{folder / "l.safetensors", 2}}});

  ASSERT_EQ(found.loras.size(), 1u);
  EXPECT_NE(found.notes.at(0).find("\"l.safetensors\" changes 1 tensors, strength 2"),
            std::string::npos)
      << found.notes[0];
  EXPECT_EQ(found.loras[0].strength, 2);
  ASSERT_EQ(found.warnings.size(), 1u);
  EXPECT_EQ(found.dit->find(kQ + ".weight")->deltas.at(0).factor, 2);
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder / "m.safetensors",
                                     .loras = {{folder / "l.safetensors", INFINITY}}}),
                    kInvalidArgument, "not finite");
  EXPECT_REEL_ERROR(open_checkpoint({.model = folder / "m.safetensors",
                                     .loras = {{folder / "none.safetensors"}}}),
                    kNotFound, "none.safetensors");
}

}  // namespace
}  // namespace reel::checkpoint
