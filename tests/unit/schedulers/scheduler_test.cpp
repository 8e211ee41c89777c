// SPDX-License-Identifier: Apache-2.0
#include "schedulers/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "schedulers/distill_euler.h"
#include "schedulers/distill_lcm.h"
#include "schedulers/flow_unipc.h"
#include "support/expect_error.h"
#include "support/float_file.h"

namespace reel::schedulers {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

// The same stand-in for a network as in tools/reference/schedulers.py.
constexpr int kElements = 24;

std::vector<float> initial_latents() {
  std::vector<float> latents(kElements);
  for (int index = 0; index < kElements; ++index) {
    latents[index] = static_cast<float>(index * 29 % 23) / 8.0f - 1.375f;
  }
  return latents;
}

std::vector<float> velocity(const std::vector<float>& latents, int step) {
  std::vector<float> out(kElements);
  for (int index = 0; index < kElements; ++index) {
    const float pull = static_cast<float>((index * 37 + step * 5) % 17) / 8.0f - 1.0f;
    out[index] = 0.5f * latents[index] + pull;
  }
  return out;
}

// The latents after every step, one after the other.
std::vector<float> run(Scheduler& scheduler, Rng& rng) {
  std::vector<float> latents = initial_latents();
  std::vector<float> all;
  for (const Step& step : scheduler.steps()) {
    scheduler.advance(latents, velocity(latents, step.index), step, rng);
    all.insert(all.end(), latents.begin(), latents.end());
  }
  return all;
}

NoiseLevels four_steps() { return distill_levels(distill_step_list(4), 5); }

TEST(Scheduler, NamesLevelsAndTimestepsOfItsSteps) {
  const auto scheduler = make_scheduler(SamplerKind::kEuler, four_steps());

  ASSERT_EQ(scheduler->steps().size(), 4u);
  const Step& last = scheduler->steps()[3];
  EXPECT_EQ(last.index, 3);
  EXPECT_EQ(last.sigma, 0.625f);
  EXPECT_EQ(last.sigma_next, 0.0f);
  EXPECT_EQ(last.timestep, 625.0f);
}

TEST(DistillEuler, EqualsPyTorchBitForBit) {
  DistillEuler sampler(four_steps());
  Rng rng = Rng::torch_cpu(7);

  EXPECT_EQ(run(sampler, rng), test::read_floats("schedulers/euler_4_5.f32"));
  EXPECT_EQ(rng.state(), Rng::torch_cpu(7).state()) << "euler draws no noise";
}

TEST(DistillLcm, EqualsPyTorchWithNoiseFromTheSameGenerator) {
  DistillLcm sampler(four_steps());
  Rng rng = Rng::torch_cpu(7);

  EXPECT_THAT(run(sampler, rng),
              Pointwise(FloatNear(5e-6f), test::read_floats("schedulers/lcm_4_5.f32")));
}

TEST(DistillLcm, DrawsNoNoiseAtTheLastStep) {
  const DistillLcm sampler(four_steps());

  EXPECT_TRUE(sampler.update(sampler.steps()[2], 2).draws_noise);
  EXPECT_FALSE(sampler.update(sampler.steps()[3], 3).draws_noise);
}

TEST(DistillLcm, ReturnsTheCleanEstimateAfterOneStep) {
  DistillLcm sampler(distill_levels(std::vector{1000}, 5));
  std::vector<float> latents{3, -1};
  Rng rng = Rng::torch_cuda(0);

  sampler.advance(latents, std::vector<float>{1, 2}, sampler.steps()[0], rng);

  EXPECT_THAT(latents, ElementsAre(2, -3));  // x - 1 * v
}

struct Run {
  int steps;
  int shift;
};

class UniPcRuns : public testing::TestWithParam<Run> {};

TEST_P(UniPcRuns, EqualsWansSolver) {
  const auto [steps, shift] = GetParam();
  FlowUniPc sampler(unipc_levels(steps, shift));
  Rng rng = Rng::torch_cpu(0);
  const std::string name = "unipc_" + std::to_string(steps) + "_" + std::to_string(shift);

  EXPECT_THAT(run(sampler, rng),
              Pointwise(FloatNear(1e-5f), test::read_floats("schedulers/" + name + ".f32")));
}

INSTANTIATE_TEST_SUITE_P(All, UniPcRuns,
                         testing::Values(Run{1, 5}, Run{2, 5}, Run{3, 5}, Run{3, 1}, Run{4, 5},
                                         Run{4, 3}, Run{50, 5}, Run{50, 8}, Run{50, 3}),
                         [](const auto& test) {
                           return "Steps" + std::to_string(test.param.steps) + "Shift" +
                                  std::to_string(test.param.shift);
                         });

TEST(FlowUniPc, ReturnsTheCleanEstimateAfterTheLastStep) {
  const FlowUniPc sampler(unipc_levels(3, 5));

  const StepUpdate update = sampler.update(sampler.steps()[2], 2);

  const Combination& last = update.combinations[update.combination_count - 1];
  EXPECT_EQ(last.out, Slot::kLatents);
  EXPECT_EQ(last.terms[0].factor, 0.0f);
  EXPECT_EQ(last.terms[1].factor, 1.0f);
}

TEST(FlowUniPc, WeightsOfEveryCombinationKeepAConstantLatent) {
  // A clean latent c seen at level s is (1 - s) * c without noise: every combination must map
  // samples and estimates of it to the same at its own level.
  const FlowUniPc sampler(unipc_levels(10, 5));
  for (const Step& step : sampler.steps()) {
    const StepUpdate update = sampler.update(step, step.index);
    for (int index = 1; index < update.combination_count; ++index) {
      const Combination& combination = update.combinations[index];
      const bool corrects = combination.out == Slot::kSample;
      if (corrects && step.index == 0) continue;
      const double from = 1.0 - (corrects ? sampler.steps()[step.index - 1].sigma : step.sigma);
      const double to = 1.0 - (corrects ? step.sigma : step.sigma_next);
      double sum = 0;
      for (int term = 0; term < combination.term_count; ++term) {
        const bool is_sample = combination.terms[term].slot == Slot::kSample;
        sum += combination.terms[term].factor * (is_sample ? from : 1.0);
      }
      EXPECT_NEAR(sum, to, 1e-6) << "step " << step.index << ", combination " << index;
    }
  }
}

TEST(Scheduler, TakesAStepAgainAfterRestore) {
  for (const SamplerKind kind : {SamplerKind::kLcm, SamplerKind::kUniPc}) {
    const auto scheduler = make_scheduler(kind, unipc_levels(5, 5));
    Rng rng = Rng::torch_cpu(3);
    std::vector<float> latents = initial_latents();
    std::vector<float> first_try;
    for (const Step& step : scheduler->steps()) {
      const SamplerState state = scheduler->state();
      const std::vector<uint32_t> rng_state = rng.state();
      const std::vector<float> before = latents;
      scheduler->advance(latents, std::vector<float>(kElements, 1e9f), step, rng);
      scheduler->restore(state);
      rng.restore(rng_state);
      latents = before;
      scheduler->advance(latents, velocity(latents, step.index), step, rng);
      first_try.insert(first_try.end(), latents.begin(), latents.end());
    }

    const auto straight = make_scheduler(kind, unipc_levels(5, 5));
    Rng fresh = Rng::torch_cpu(3);
    EXPECT_EQ(first_try, run(*straight, fresh)) << sampler_name(kind);
  }
}

TEST(Scheduler, ContinuesInANewObjectFromASavedState) {
  FlowUniPc before(unipc_levels(6, 5));
  FlowUniPc after(unipc_levels(6, 5));
  FlowUniPc straight(unipc_levels(6, 5));
  Rng rng = Rng::torch_cpu(0);
  std::vector<float> latents = initial_latents();
  for (int index = 0; index < 3; ++index) {
    before.advance(latents, velocity(latents, index), before.steps()[index], rng);
  }

  after.restore(before.state());
  for (int index = 3; index < 6; ++index) {
    after.advance(latents, velocity(latents, index), after.steps()[index], rng);
  }

  const std::vector<float> all = run(straight, rng);
  EXPECT_EQ(latents, std::vector<float>(all.end() - kElements, all.end()));
}

TEST(Scheduler, StartsAnewWhenAStepDoesNotFollow) {
  FlowUniPc sampler(unipc_levels(6, 5));
  Rng rng = Rng::torch_cpu(0);

  const std::vector<float> first = run(sampler, rng);
  const std::vector<float> second = run(sampler, rng);

  EXPECT_EQ(first, second);
}

TEST(Scheduler, NamesSizesThatDisagree) {
  FlowUniPc sampler(unipc_levels(6, 5));
  Rng rng = Rng::torch_cpu(0);
  std::vector<float> four(4);
  std::vector<float> five(5);

  EXPECT_REEL_ERROR(sampler.advance(four, five, sampler.steps()[0], rng), kInvalidArgument,
                    "latents have 4 elements and velocity 5");
  sampler.advance(four, four, sampler.steps()[0], rng);
  EXPECT_REEL_ERROR(sampler.advance(five, five, sampler.steps()[1], rng), kInvalidArgument,
                    "The latents have 5 elements, 4 in the step before");
}

TEST(Scheduler, RefusesAStateOfAnotherSampler) {
  DistillEuler euler(four_steps());
  FlowUniPc unipc(unipc_levels(6, 5));
  Rng rng = Rng::torch_cpu(0);
  std::vector<float> latents(4);
  unipc.advance(latents, latents, unipc.steps()[0], rng);

  EXPECT_REEL_ERROR(euler.restore(unipc.state()), kBadFile,
                    "has 1 steps and 4 tensors; euler has 4 steps and needs 0");
}

TEST(SamplerKind, IsReadByName) {
  EXPECT_EQ(parse_sampler("unipc"), SamplerKind::kUniPc);
  EXPECT_REEL_ERROR(parse_sampler("ddim"), kInvalidArgument,
                    "The sampler is \"ddim\", must be \"lcm\", \"euler\" or \"unipc\"");
}

}  // namespace
}  // namespace reel::schedulers
