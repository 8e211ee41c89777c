// SPDX-License-Identifier: Apache-2.0
// Plans of made-up checkpoints with the true headers of the 14B.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_units.h"
#include "checkpoint/checkpoint.h"
#include "pipeline/clip_alternatives.h"
#include "pipeline/clip_planner.h"
#include "support/expect_error.h"
#include "unit/pipeline/headers_14b.h"

namespace reel {
namespace {

using pipeline::ClipPlanner;
using pipeline::ClipSize;
using pipeline::PlanAlternative;
using pipeline::VideoSize;
using test::checkpoint_14b;
using testing::HasSubstr;

constexpr VideoSize k480p{.frames = 81, .height_px = 480, .width_px = 832};
constexpr VideoSize k720p{.frames = 81, .height_px = 720, .width_px = 1280};

ClipPlanner planner_14b(const std::string& layout = "distill_fp8") {
  return {checkpoint::open_checkpoint({.model = checkpoint_14b(layout)}),
          pipeline::gpu_precision("int8"), memory::assumed_machine("RTX 4070")};
}

size_t resident(const memory::Plan& plan) {
  return plan.phase(memory::Phase::kDenoise)->resident.size();
}

TEST(ClipPlanner, FitsA480pClipOnACardOf8GiB) {
  const memory::Plan plan = planner_14b().plan({.video = k480p}, {.card_bytes = 8 * kGiB});

  ASSERT_TRUE(plan.fits) << plan.refusal;
  EXPECT_LE(plan.context_bytes + plan.arena_bytes, static_cast<uint64_t>(7.2 * kGiB));
  EXPECT_GE(resident(plan), 8u);
}

TEST(ClipPlanner, FitsA720pClipOnACardOf12GiB) {
  const memory::Plan plan = planner_14b().plan({.video = k720p}, {.card_bytes = 12 * kGiB});

  ASSERT_TRUE(plan.fits) << plan.refusal;
  EXPECT_LE(plan.context_bytes + plan.arena_bytes, 11 * kGiB);
  EXPECT_GE(resident(plan), 10u);
}

TEST(ClipPlanner, HasRoomForASecondAttemptOnACardOf8GiB) {
  for (const VideoSize& size : {k480p, k720p}) {
    const memory::Plan plan = planner_14b().plan({.video = size}, {.card_bytes = 8 * kGiB});
    ASSERT_TRUE(plan.second_attempt) << size.width_px;
    EXPECT_LE(plan.context_bytes + plan.second_attempt->arena_bytes, plan.cap_bytes);
    EXPECT_EQ(plan.second_attempt->streamed(), 40);
  }
}

TEST(ClipPlanner, KeepsAllBlocksOnALargeCard) {
  const memory::Plan plan = planner_14b().plan({.video = k480p}, {.card_bytes = 80 * kGiB});
  EXPECT_EQ(resident(plan), 40u);
  EXPECT_EQ(plan.phase(memory::Phase::kDenoise)->pass_bytes, 0u);
}

// Eight matrices of 5120 x 5120 and two of 5120 x 13824 in INT8; a scale and a bias for each of
// their 9 x 5120 + 13824 rows; six vectors of modulation, four norms of q and k, and norm3's two,
// in f32.
TEST(ClipPlanner, CountsABlockFromItsShapes) {
  const memory::Plan plan = planner_14b().plan({.video = k480p}, {.card_bytes = 12 * kGiB});
  const uint64_t numbers = 8 * 5120 * 5120 + 2 * 5120 * 13824;
  const uint64_t vectors = 2 * (9 * 5120 + 13824) + 12 * 5120;
  EXPECT_EQ(plan.phase(memory::Phase::kDenoise)->slot_bytes, numbers + 4 * vectors);
}

TEST(ClipPlanner, PlansForLessWithAShortPrompt) {
  const ClipPlanner planner = planner_14b();
  const memory::Budget budget{.card_bytes = 8 * kGiB};
  const auto keys = [&](int64_t tokens) {
    const memory::Plan plan = planner.plan({.video = k480p, .prompt_tokens = {tokens}}, budget);
    for (const memory::PlanRow& row : plan.phase(memory::Phase::kDenoise)->rows) {
      if (row.tag == "prompt keys and values") return row.bytes;
    }
    return uint64_t{0};
  };
  // 40 blocks of keys and values and the text itself, 5120 x 2 bytes a row, 512 rows; 30 and one.
  EXPECT_EQ(keys(512), 81u * 512 * 5120 * 2 + 2048);
  EXPECT_EQ(keys(30), 81u * 31 * 5120 * 2 + 128);
}

TEST(ClipPlanner, StagesOnlyWhatCannotBePreparedInPlace) {
  const memory::Budget budget{.card_bytes = 12 * kGiB};
  const auto staging = [&](const std::string& layout) {
    const memory::Plan plan = planner_14b(layout).plan({.video = k480p}, budget);
    for (const memory::PlanRow& row : plan.phase(memory::Phase::kDenoise)->rows) {
      if (row.tag == "staging") return row.bytes;
    }
    return uint64_t{0};
  };
  EXPECT_EQ(staging("bf16"), 5120u * 5120 * 6 * 2);  // of the time projection, the largest matrix
  // The text embedding, which is f32 in this layout and computed with in bf16.
  EXPECT_EQ(staging("distill_fp8"), 5120u * 5120 * 4);
  EXPECT_GT(staging("gguf:q4_k_m"), 0u);
}

TEST(ClipPlanner, StreamsTwiceAsMuchFromBf16Files) {
  const memory::Budget budget{.card_bytes = 8 * kGiB, .ram_bytes = 4 * kGiB};
  const memory::Plan fp8 = planner_14b().plan({.video = k480p}, budget);
  const memory::Plan bf16 = planner_14b("bf16").plan({.video = k480p}, budget);
  const auto per_block = [](const memory::Plan& plan) {
    const memory::PhasePlan& denoise = *plan.phase(memory::Phase::kDenoise);
    return static_cast<double>(denoise.pass_bytes) / denoise.streamed();
  };
  EXPECT_NEAR(per_block(bf16) / per_block(fp8), 2.0, 0.01);
  EXPECT_EQ(bf16.phase(memory::Phase::kDenoise)->read_mode, ReadMode::kDirect);
}

// A rank of 64 beside FP8 matrices: 15 MB of factors a block, which arrive with it in every pass.
TEST(ClipPlanner, CountsWhatALoraReadsAndWhereItArrives) {
  static const test::TempFolder folder;
  SynthRequest request{
      .layout = "lora:peft", .preset = "wan2.1-t2v-14b", .out = folder / "lora", .sparse = true};
  request.lora_rank = 64;
  const std::string name = synthesize(request).files[0].name;
  const auto planned = [&](bool with_lora) {
    checkpoint::OpenOptions open{.model = checkpoint_14b("distill_fp8")};
    if (with_lora) open.loras = {{.path = folder / "lora" / name}};
    return ClipPlanner(checkpoint::open_checkpoint(open), pipeline::gpu_precision("int8"),
                       memory::assumed_machine("RTX 4070"))
        .plan({.video = k480p}, {.card_bytes = 8 * kGiB, .ram_bytes = 16 * kGiB});
  };
  const memory::Plan plain = planned(false), changed = planned(true);
  const memory::PhasePlan& before = *plain.phase(memory::Phase::kDenoise);
  const memory::PhasePlan& after = *changed.phase(memory::Phase::kDenoise);

  ASSERT_TRUE(changed.fits) << changed.refusal;
  const uint64_t factors = 64u * (8 * (5120 + 5120) + 2 * (5120 + 13824)) * 2;  // of a block
  EXPECT_EQ(after.first_pass_bytes - before.first_pass_bytes, 40 * factors);
  EXPECT_EQ(after.pass_bytes / static_cast<uint64_t>(after.streamed()) -
                before.pass_bytes / static_cast<uint64_t>(before.streamed()),
            factors);
  // 351 million weights of a block, changed with a rank of 64 in f32 at the assumed rates.
  const memory::Rates rates = memory::assumed_machine("RTX 4070").rates;
  const double weights = 8.0 * 5120 * 5120 + 2.0 * 5120 * 13824;
  const double change_s = 2 * weights * 64 / rates.f32_ops + 8 * weights / rates.memory_bytes;
  EXPECT_NEAR(after.compute_s - before.compute_s, after.streamed() * change_s, 1e-6);
  // It fits where the text embedding was staged: no matrix of a block with its rows is as large.
  EXPECT_EQ(after.arena_bytes, before.arena_bytes);
  EXPECT_EQ(changed.host_bytes, plain.host_bytes);
  EXPECT_LE(changed.host_bytes, 2 * kGiB);
}

TEST(ClipPlanner, TakesNoMoreThan2GiBOfTheHost) {
  for (const std::string layout : {"distill_fp8", "bf16", "gguf:q8_0"}) {
    const memory::Plan plan = planner_14b(layout).plan(
        {.video = k720p}, {.card_bytes = 16 * kGiB, .ram_bytes = 4 * kGiB});
    EXPECT_LE(plan.host_bytes, 2 * kGiB) << layout;
  }
}

TEST(ClipPlanner, DecidesTheRowChunkWithoutTheBudget) {
  const ClipPlanner planner = planner_14b();
  EXPECT_EQ(planner.plan({.video = k480p}, {.card_bytes = 8 * kGiB}).row_chunk,
            planner.plan({.video = k480p}, {.card_bytes = 80 * kGiB}).row_chunk);
}

// What the decode stage of 720p takes in all strips at once is more than a card of 6 GiB has.
TEST(ClipPlanner, DecodesInTheFewestStripsThatFit) {
  const ClipPlanner planner = planner_14b();
  const memory::Plan whole = planner.plan({.video = k720p}, {.card_bytes = 8 * kGiB});
  const memory::Plan halves = planner.plan({.video = k720p}, {.card_bytes = 6 * kGiB});
  const memory::PhasePlan& in_one = *whole.phase(memory::Phase::kDecode);
  const memory::PhasePlan& in_two = *halves.phase(memory::Phase::kDecode);

  EXPECT_EQ(in_one.strips, 1);
  EXPECT_EQ(in_two.strips, 2);
  EXPECT_TRUE(halves.fits) << halves.refusal;
  EXPECT_GT(in_one.arena_bytes, halves.cap_bytes - halves.context_bytes);
  EXPECT_LE(in_two.arena_bytes, halves.cap_bytes - halves.context_bytes);
  // Half of 81 pictures waits for the other half.
  EXPECT_EQ(halves.host_bytes - whole.host_bytes, 81u * 360 * 1280 * 3 * sizeof(float));
  EXPECT_GT(in_two.compute_s, 1.03 * in_one.compute_s);
  EXPECT_LT(in_two.compute_s, 1.08 * in_one.compute_s);
}

TEST(ClipPlanner, TakesTheSmallestDecoderWhereNoneFits) {
  const memory::Plan plan = planner_14b().plan({.video = k480p}, {.card_bytes = kGiB});
  EXPECT_FALSE(plan.fits);
  EXPECT_GT(plan.phase(memory::Phase::kDecode)->strips, 5);
  EXPECT_LT(plan.phase(memory::Phase::kDecode)->arena_bytes, kGiB);
}

// Every alternative is tried: it fits, and the next larger one does not.
TEST(ClipPlanner, NamesTheNearestSettingsThatFit) {
  const ClipPlanner planner = planner_14b();
  const memory::Budget budget{.card_bytes = 5 * kGiB};
  const ClipSize clip{.video = k720p};
  ASSERT_FALSE(planner.plan(clip, budget).fits);

  const std::vector<PlanAlternative> all = pipeline::find_alternatives(planner, clip, budget);

  ASSERT_GE(all.size(), 2u);
  for (const PlanAlternative& one : all) {
    ClipSize changed = clip;
    changed.video = one.video;
    memory::Budget other = budget;
    if (one.card_bytes > 0) other.card_bytes = one.card_bytes;
    EXPECT_TRUE(planner.plan(changed, other).fits) << one.text();
  }
  EXPECT_EQ(all.back().kind, PlanAlternative::Kind::kCard);
  EXPECT_FALSE(planner.plan(clip, {.card_bytes = all.back().card_bytes - kGiB}).fits);
}

TEST(ClipPlanner, PrefersFewerFramesWhereThoseHelp) {
  const ClipPlanner planner = planner_14b();
  // Long clips at a small size: only the DiT's activations grow with frames.
  const ClipSize clip{.video = {.frames = 801, .height_px = 480, .width_px = 832}};
  const memory::Budget budget{.card_bytes = 8 * kGiB};
  ASSERT_FALSE(planner.plan(clip, budget).fits);

  const std::vector<PlanAlternative> all = pipeline::find_alternatives(planner, clip, budget);

  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].kind, PlanAlternative::Kind::kFrames);
  ClipSize more = clip;
  more.video.frames = all[0].video.frames + 4;
  EXPECT_FALSE(planner.plan(more, budget).fits);
  EXPECT_EQ(all[0].video.frames % 4, 1);
}

// What the published folder has in f32 arrives in its place; in 16 bits it is widened from another.
TEST(ClipPlanner, NamesFilesIn8BitsWhereThoseOf16BitsAreInTheWay) {
  const ClipPlanner planner = planner_14b("bf16");
  const ClipSize clip{.video = k480p};
  const uint64_t needed = planner_14b().plan(clip, {.card_bytes = 8 * kGiB}).least_cap_bytes;
  const memory::Budget budget{.card_bytes = memory::card_bytes_for(needed)};
  ASSERT_FALSE(planner.fits(clip, budget));

  const std::vector<PlanAlternative> all = pipeline::find_alternatives(planner, clip, budget);

  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back().text(), "the FP8 or INT8 files of this model");
  EXPECT_EQ(planner.with_8bit_files().plan(clip, budget).least_cap_bytes, needed) << "as the files";
  const memory::Budget tiny{.card_bytes = 2 * kGiB};
  for (const PlanAlternative& one : pipeline::find_alternatives(planner, clip, tiny)) {
    EXPECT_NE(one.kind, PlanAlternative::Kind::kFiles);
  }
}

TEST(ClipPlanner, KnowsWhatElseWouldHaveFitted) {
  const ClipPlanner planner = planner_14b();
  const VideoSize short_clip{.frames = 33, .height_px = 832, .width_px = 480};
  const memory::Budget roomy{.card_bytes = 16 * kGiB};

  const std::vector<PlanAlternative> all = what_else_fits(planner, {.video = short_clip}, roomy);

  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].text(), "81 frames (--frames 81)");
  EXPECT_EQ(all[1].text(), "720 wide x 1280 high (--size 720x1280)");
  ASSERT_EQ(all[2].kind, PlanAlternative::Kind::kCard);
  EXPECT_LT(all[2].card_bytes, roomy.card_bytes);
  EXPECT_TRUE(planner.plan({.video = short_clip}, {.card_bytes = all[2].card_bytes}).fits);

  const memory::Budget tight{.card_bytes = 8 * kGiB};
  for (const PlanAlternative& one : what_else_fits(planner, {.video = k720p}, tight)) {
    EXPECT_EQ(one.kind, PlanAlternative::Kind::kCard);
  }
}

TEST(ClipPlanner, RefusesWithTheAlternativesAsItsHint) {
  const ClipPlanner planner = planner_14b();
  try {
    planner.plan_or_refuse({.video = k720p}, {.card_bytes = 5 * kGiB});
    FAIL() << "720p on 5 GiB was planned";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_THAT(error.what(), HasSubstr("of GPU memory at least"));
    EXPECT_THAT(error.hint(), HasSubstr("--vram"));
  }
}

// A planner for one stage, of files that hold that stage's network alone.
ClipPlanner stage_planner(const pipeline::ClipStages& stages) {
  checkpoint::Checkpoint files =
      checkpoint::open_checkpoint({.model = checkpoint_14b("distill_fp8")});
  if (!stages.text) files.text_encoder = {};
  if (!stages.denoise) files.dit = {};
  if (!stages.decode) files.vae = {};
  return {files, pipeline::gpu_precision("int8"), memory::assumed_machine("RTX 4070"), stages};
}

constexpr pipeline::ClipStages kTextAlone{.denoise = false, .decode = false};
constexpr pipeline::ClipStages kDenoiseAlone{.text = false, .decode = false};
constexpr pipeline::ClipStages kDecodeAlone{.text = false, .denoise = false};

TEST(ClipPlanner, PlansAStageAloneAsItPlansItInAClip) {
  const memory::Budget budget{.card_bytes = 8 * kGiB, .ram_bytes = 8 * kGiB};
  const ClipSize clip{.video = k480p, .prompt_tokens = {40}};
  const memory::Plan whole = planner_14b().plan(clip, budget);
  for (const auto& [stages, phase] : {std::pair{kTextAlone, memory::Phase::kText},
                                      {kDenoiseAlone, memory::Phase::kDenoise},
                                      {kDecodeAlone, memory::Phase::kDecode}}) {
    SCOPED_TRACE(memory::phase_name(phase));

    const memory::Plan alone = stage_planner(stages).plan(clip, budget);

    ASSERT_EQ(alone.phases.size(), 1u);
    EXPECT_EQ(alone.phases[0].phase, phase);
    EXPECT_EQ(alone.arena_bytes, whole.phase(phase)->arena_bytes);
    EXPECT_EQ(alone.phases[0].resident, whole.phase(phase)->resident);
    EXPECT_EQ(alone.phases[0].strips, whole.phase(phase)->strips);
    EXPECT_EQ(alone.row_chunk, whole.row_chunk);
    EXPECT_LE(alone.host_bytes, whole.host_bytes);
  }
}

// Tiles need no strips, and hold back all pictures: of 81 at 720p within 2 GiB of host memory.
TEST(ClipPlanner, CountsOneTileOnTheGpuAndThePicturesOnTheHost) {
  const memory::Budget budget{.card_bytes = 6 * kGiB, .ram_bytes = 4 * kGiB};
  const memory::Plan whole = planner_14b().plan({.video = k720p}, budget);
  const memory::Plan tiled = stage_planner({.blends_tiles = true}).plan({.video = k720p}, budget);
  const memory::PhasePlan& decode = *tiled.phase(memory::Phase::kDecode);

  EXPECT_TRUE(tiled.fits) << tiled.refusal;
  EXPECT_EQ(decode.strips, 1);
  EXPECT_LT(3 * decode.arena_bytes, whole.phase(memory::Phase::kDecode)->arena_bytes);
  EXPECT_GT(tiled.host_bytes - whole.host_bytes, uint64_t{81} * 360 * 1280 * 3 * sizeof(float));
  EXPECT_LE(tiled.host_bytes, 2 * kGiB);
  EXPECT_GT(decode.compute_s, 1.3 * whole.phase(memory::Phase::kDecode)->compute_s);
}

TEST(ClipPlanner, RefusesAStageAloneWithWhatHelpsThere) {
  const memory::Budget budget{.card_bytes = 2 * kGiB};
  for (const pipeline::ClipStages& stages : {kTextAlone, kDenoiseAlone, kDecodeAlone}) {
    const ClipPlanner planner = stage_planner(stages);
    try {
      planner.plan_or_refuse({.video = k720p}, budget);
      FAIL() << "2 GiB are enough";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
      EXPECT_THAT(error.hint(), HasSubstr("--vram"));
      // Latents that are there have their size.
      if (stages.decode) {
        EXPECT_THAT(error.hint(), Not(HasSubstr("--size")));
      }
    }
  }
}

TEST(ClipPlanner, EncodesAPromptWithoutASizeOfTheClip) {
  const memory::Plan plan =
      stage_planner(kTextAlone).plan({.prompt_tokens = {7, 30}}, {.card_bytes = 8 * kGiB});

  EXPECT_TRUE(plan.fits) << plan.refusal;
  EXPECT_EQ(plan.phases[0].passes, 2);
}

TEST(GpuPrecision, IsRefusedByNameWhereItIsUnknown) {
  EXPECT_REEL_ERROR(pipeline::gpu_precision("fp4"), kInvalidArgument, "fp4");
}

}  // namespace
}  // namespace reel
