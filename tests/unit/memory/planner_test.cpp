// SPDX-License-Identifier: Apache-2.0
// The planner on machines and models that are made up to be added in the head.
#include "memory/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/byte_units.h"

namespace reel::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Machine round_machine() {
  Machine machine;
  machine.context_bytes = 400 * kMiB;
  machine.workspace_bytes = 100 * kMiB;
  machine.ram_available_bytes = 64 * kGiB;
  machine.rates = {.int8_ops = 100e12,
                   .wide_ops = 50e12,
                   .attention_ops = 100e12,
                   .conv_ops = 50e12,
                   .f32_ops = 10e12,
                   .memory_bytes = 500e9,
                   .upload_bytes = 20e9,
                   .cache_bytes = 10e9,
                   .disk_bytes = 5e9};
  return machine;
}

// A budget whose arena has this size on round_machine().
Budget arena_of(uint64_t bytes) { return {.card_bytes = card_bytes_for(bytes + 400 * kMiB)}; }

BlockLoad block_of(uint64_t prepared_bytes) {
  return {.name = "block",
          .prepared_bytes = prepared_bytes,
          .stored_bytes = prepared_bytes,
          .staging_bytes = 0};
}

// 40 blocks of 300 MiB under four steps of one second; 100 MiB fixed, 200 MiB of keys, 1000 MiB of
// activations. With the workspace 1400 MiB whatever happens to the blocks.
PhaseNeeds round_denoise() {
  PhaseNeeds needs{.phase = Phase::kDenoise, .weights = {}, .passes = 4};
  needs.weights.precision = "fp8";
  needs.weights.fixed = block_of(100 * kMiB);
  needs.weights.setup = block_of(600 * kMiB);
  needs.weights.blocks.assign(40, block_of(300 * kMiB));
  needs.held = {{"keys", 200 * kMiB}};
  needs.forward = {{.tag = "x", .bytes = 1000 * kMiB}};
  needs.pass_work.int8_ops = 100e12;
  return needs;
}
constexpr uint64_t kRoundFixed = 1400 * kMiB;

Plan plan_denoise(const PhaseNeeds& needs, const Budget& budget) {
  return make_plan({.phases = {needs}}, budget, round_machine());
}

uint64_t row(const PhasePlan& plan, const std::string& tag) {
  for (const PlanRow& one : plan.rows) {
    if (one.tag == tag) return one.bytes;
  }
  return 0;
}

TEST(ResidentBlocks, LeaveAResidentOneBetweenStreamedOnes) {
  EXPECT_THAT(resident_blocks(8, 4), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(resident_blocks(8, 2), ElementsAre(0, 1, 2, 4, 5, 6));
  EXPECT_THAT(resident_blocks(3, 3), ElementsAre());
  EXPECT_THAT(resident_blocks(3, 0), ElementsAre(0, 1, 2));
  EXPECT_THAT(resident_blocks(0, 0), ElementsAre());
}

TEST(ResidentBlocks, AreAsManyAsAsked) {
  for (int streamed = 0; streamed <= 40; ++streamed) {
    EXPECT_EQ(resident_blocks(40, streamed).size(), static_cast<size_t>(40 - streamed));
  }
}

TEST(Planner, KeepsAsManyBlocksAsFitBesideAWindowOfThree) {
  const Plan plan = plan_denoise(round_denoise(), arena_of(kRoundFixed + 15 * 300 * kMiB));

  const PhasePlan& denoise = *plan.phase(Phase::kDenoise);
  ASSERT_TRUE(plan.fits) << plan.refusal;
  EXPECT_EQ(denoise.window_slots, 3);
  EXPECT_EQ(denoise.resident.size(), 12u);
  EXPECT_EQ(row(denoise, "resident blocks"), 12 * 300 * kMiB);
  EXPECT_EQ(denoise.arena_bytes, kRoundFixed + 15 * 300 * kMiB);
  EXPECT_EQ(denoise.pass_bytes, 28 * 300 * kMiB);
}

TEST(Planner, NeedsNoWindowWhenAllBlocksFit) {
  const Plan plan = plan_denoise(round_denoise(), arena_of(kRoundFixed + 40 * 300 * kMiB));

  const PhasePlan& denoise = *plan.phase(Phase::kDenoise);
  EXPECT_EQ(denoise.resident.size(), 40u);
  EXPECT_EQ(denoise.window_slots, 0);
  EXPECT_EQ(denoise.pass_bytes, 0u);
  EXPECT_EQ(denoise.stream_s, 0);
  EXPECT_EQ(denoise.arena_bytes, kRoundFixed + 40 * 300 * kMiB);
}

TEST(Planner, FallsBackToTwoSlotsAtTheTightest) {
  const uint64_t least = kRoundFixed + 2 * 300 * kMiB;
  const Plan plan = plan_denoise(round_denoise(), arena_of(least));

  ASSERT_TRUE(plan.fits) << plan.refusal;
  EXPECT_EQ(plan.phase(Phase::kDenoise)->window_slots, 2);
  EXPECT_EQ(plan.phase(Phase::kDenoise)->resident.size(), 0u);
  EXPECT_EQ(plan.least_cap_bytes, least + 400 * kMiB);
}

TEST(Planner, RefusesAMegabyteLessAndNamesBothSizes) {
  const Plan plan = plan_denoise(round_denoise(), arena_of(kRoundFixed + 2 * 300 * kMiB - kMiB));

  EXPECT_FALSE(plan.fits);
  // 2400 MiB: 1400 + 600 and the context
  EXPECT_EQ(plan.refusal,
            "The denoise stage needs 2,400 MiB of GPU memory at least, with no block kept; "
            "2,399 MiB may be used.");
}

TEST(Planner, NeverPlansMoreThanTheBudgetUnderAnyBudget) {
  for (uint64_t card = kGiB; card < 24 * kGiB; card += 97 * kMiB) {
    const Plan plan = plan_denoise(round_denoise(), {.card_bytes = card});
    const PhasePlan& denoise = *plan.phase(Phase::kDenoise);
    EXPECT_EQ(plan.fits, plan.least_cap_bytes <= plan.cap_bytes) << card;
    if (!plan.fits) continue;
    EXPECT_LE(plan.context_bytes + plan.arena_bytes, plan.cap_bytes) << card;
    uint64_t rows = 0;
    for (const PlanRow& one : denoise.rows) {
      if (one.time != RowTime::kSetup) rows += one.bytes;
    }
    EXPECT_EQ(rows, denoise.arena_bytes);  // in this model a pass takes more than the setup
    EXPECT_GE(denoise.resident.size() + static_cast<size_t>(denoise.window_slots), 2u);
  }
}

TEST(Planner, MakesRoomForTheSetupWhereThatIsTheLargerPart) {
  PhaseNeeds needs = round_denoise();
  needs.forward[0].bytes = 100 * kMiB;

  const Plan plan = plan_denoise(needs, arena_of(kRoundFixed + 15 * 300 * kMiB));

  // 600 MiB of setup weights stand where 100 MiB of activations come later: 1000 MiB in all.
  EXPECT_EQ(plan.phase(Phase::kDenoise)->least_arena_bytes, 1000 * kMiB + 600 * kMiB);
}

TEST(Planner, KeepsNothingOfANetworkThatIsUsedOnce) {
  PhaseNeeds text = round_denoise();
  text.phase = Phase::kText;
  text.passes = 1;

  const Plan plan = make_plan({.phases = {text, round_denoise()}}, arena_of(kRoundFixed + 4 * kGiB),
                              round_machine());

  EXPECT_EQ(plan.phase(Phase::kText)->resident.size(), 0u);
  EXPECT_EQ(plan.phase(Phase::kText)->window_slots, 3);
  EXPECT_EQ(plan.phase(Phase::kText)->pass_bytes, 0u);
  EXPECT_EQ(plan.arena_bytes, plan.phase(Phase::kDenoise)->arena_bytes);
}

TEST(Planner, TakesASmallNetworkWholeEvenForOneUse) {
  PhaseNeeds text = round_denoise();
  text.passes = 1;
  text.weights.blocks.resize(2);
  const Plan plan = plan_denoise(text, arena_of(kRoundFixed + 4 * kGiB));
  EXPECT_EQ(plan.phases[0].resident.size(), 2u);
  EXPECT_EQ(plan.phases[0].window_slots, 0);
}

TEST(Planner, ReadsThroughTheCacheOnlyWhatStaysInIt) {
  // 28 streamed blocks are 8.2 GiB; ring and program take a little.
  Budget budget = arena_of(kRoundFixed + 15 * 300 * kMiB);
  budget.ram_bytes = 9 * kGiB;
  EXPECT_EQ(plan_denoise(round_denoise(), budget).phases[0].read_mode, ReadMode::kBuffered);

  budget.ram_bytes = 8 * kGiB;
  const Plan direct = plan_denoise(round_denoise(), budget);
  EXPECT_EQ(direct.phases[0].read_mode, ReadMode::kDirect);
  EXPECT_EQ(direct.phases[0].pass_disk_bytes, 28 * 300 * kMiB);
}

TEST(Planner, KeepsThePinnedRingSmallOnASmallHost) {
  Budget budget = arena_of(kRoundFixed + kGiB);
  EXPECT_EQ(plan_denoise(round_denoise(), budget).ring_bytes, 256 * kMiB);
  budget.ram_bytes = 512 * kMiB;
  const Plan small = plan_denoise(round_denoise(), budget);
  EXPECT_EQ(small.ring_bytes, 128 * kMiB);
  EXPECT_LE(small.host_bytes, budget.ram_bytes);
}

TEST(Planner, RefusesAHostThatIsTooSmall) {
  Budget budget = arena_of(kRoundFixed + kGiB);
  budget.ram_bytes = 100 * kMiB;
  const Plan plan =
      make_plan({.phases = {round_denoise()}, .host_bytes = 200 * kMiB}, budget, round_machine());
  EXPECT_FALSE(plan.fits);
  EXPECT_THAT(plan.refusal, HasSubstr("host memory"));
}

TEST(Planner, CountsTheFirstStepAsReadingAndTheOthersAsComputing) {
  const Plan plan = plan_denoise(round_denoise(), arena_of(kRoundFixed + 15 * 300 * kMiB));
  const PhasePlan& denoise = plan.phases[0];

  EXPECT_NEAR(denoise.compute_s, 1.0, 1e-9);                         // 100e12 at 100e12 a second
  EXPECT_NEAR(denoise.stream_s, 28 * 300 * 1048576.0 / 10e9, 1e-9);  // 0.88 s from the cache
  EXPECT_NEAR(denoise.pass_s, 1.0, 1e-9);
  // 700 MiB before the blocks, then 40 blocks at 5 GB/s, longer than the step; three more steps.
  EXPECT_NEAR(denoise.total_s, (700 + 12000) * 1048576.0 / 5e9 + 3, 1e-9);
}

// A block that stays is changed once, one that is streamed in every pass.
TEST(Planner, CountsWhatLorasTakeWheneverABlockArrives) {
  PhaseNeeds needs = round_denoise();
  needs.weights.fixed.change_work.f32_ops = 5e12;                                  // 0.5 s, once
  for (BlockLoad& block : needs.weights.blocks) block.change_work.f32_ops = 1e12;  // 0.1 s each
  const Plan plan = plan_denoise(needs, arena_of(kRoundFixed + 15 * 300 * kMiB));
  const PhasePlan& denoise = plan.phases[0];

  ASSERT_EQ(denoise.streamed(), 28);
  EXPECT_NEAR(denoise.compute_s, 1 + 2.8, 1e-9);
  EXPECT_NEAR(denoise.pass_s, 1 + 2.8, 1e-9);
  // The first pass changes all 40, which takes longer than reading them.
  EXPECT_NEAR(denoise.total_s, 700 * 1048576.0 / 5e9 + (1 + 0.5 + 4.0) + 3 * (1 + 2.8), 1e-9);

  const Plan roomy = plan_denoise(needs, arena_of(kRoundFixed + 40 * 300 * kMiB));
  EXPECT_EQ(roomy.phases[0].streamed(), 0);
  EXPECT_NEAR(roomy.phases[0].compute_s, 1.0, 1e-9);
}

TEST(Planner, WarnsWhenTheStreamCannotBeHidden) {
  Budget budget = arena_of(kRoundFixed + 15 * 300 * kMiB);
  budget.ram_bytes = 4 * kGiB;  // from disk: 8.8 GB at 5 GB/s where a step takes 1 s
  PhaseNeeds needs = round_denoise();

  const Plan fp8 = plan_denoise(needs, budget);
  needs.weights.precision = "bf16";
  const Plan bf16 = plan_denoise(needs, budget);

  ASSERT_EQ(fp8.warnings.size(), 1u);
  EXPECT_THAT(fp8.warnings[0], HasSubstr("takes 1.8 s where a step computes for 1.0 s"));
  EXPECT_THAT(fp8.warnings[0], Not(HasSubstr("8-bit")));
  EXPECT_THAT(bf16.warnings[0], HasSubstr("bf16 files of this model are twice as large as 8-bit"));
  EXPECT_NEAR(fp8.phases[0].pass_s, 1.76, 0.01);
}

TEST(Planner, SaysNothingOfAStreamThatHides) {
  PhaseNeeds needs = round_denoise();
  needs.pass_work.int8_ops = 200e12;
  EXPECT_TRUE(plan_denoise(needs, arena_of(kRoundFixed + 15 * 300 * kMiB)).warnings.empty());
}

TEST(Planner, ChoosesTheRowChunkWithoutLookingAtTheBudget) {
  const int64_t chunk = round_machine().row_chunk;
  for (const uint64_t card : {4 * kGiB, 8 * kGiB, 80 * kGiB}) {
    EXPECT_EQ(plan_denoise(round_denoise(), {.card_bytes = card}).row_chunk, chunk);
  }
}

}  // namespace
}  // namespace reel::memory
