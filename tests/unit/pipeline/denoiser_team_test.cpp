// SPDX-License-Identifier: Apache-2.0
// A velocity of several devices against that of one, with the kernels of this machine.
#include "pipeline/denoiser_team.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/expect_error.h"
#include "unit/pipeline/tiny_dit.h"

namespace reel::pipeline {
namespace {

std::string cpus(int count) {
  std::string list = "cpu";
  for (int more = 1; more < count; ++more) list += ",cpu";
  return list;
}

class DenoiserTeamTest : public test::TinyDit {
 protected:
  DenoiserTeamTest() : TinyDit(512, 1) {}  // 4 heads

  Tensor velocity(int devices, bool int8_attention, const char* precision) {
    options_.device = cpus(devices);
    options_.precision = precision;
    const auto runtime = Runtime::on_all_devices(options_, stop_);
    Numbers numbers = runtime->numbers();
    numbers.int8_attention = int8_attention;
    DenoiserTeam team(*model_, *runtime, numbers, settings_, prompts_);
    const DenoiseState start = start_denoising(settings_);
    Tensor out(DType::kF32, start.latents.shape());
    // The second pass finds what the first one left behind.
    for (const int step : {0, 1}) {
      team.velocity(start.latents, step, out,
                    {.on_part = [](double) {}, .is_checked = true, .on_residual = {}});
    }
    return out;
  }

  void expect_same(const VideoSize& size, int devices, bool int8_attention, const char* precision) {
    settings_.size = size;
    const Tensor want = velocity(1, int8_attention, precision);
    const Tensor got = velocity(devices, int8_attention, precision);
    EXPECT_EQ(std::memcmp(got.bytes().data(), want.bytes().data(), want.bytes().size()), 0)
        << devices << " devices, " << precision << ": they differ by "
        << test::relative_error(got, want);
  }
};

constexpr VideoSize k13By7{.frames = 1, .height_px = 7 * 16, .width_px = 13 * 16};

TEST_F(DenoiserTeamTest, MakesTheVelocityOfOneDevice) {
  expect_same(k13By7, 2, false, "f32");
  expect_same(k13By7, 3, true, "f32");
  expect_same({.frames = 5, .height_px = 48, .width_px = 80}, 4, false, "int8");
}

TEST_F(DenoiserTeamTest, MakesTheGuidedVelocityOfOneDevice) {
  prompts_.negative.emplace().states = states(7);
  settings_.guidance = 3;
  expect_same(k13By7, 3, false, "f32");
}

TEST_F(DenoiserTeamTest, RefusesMoreDevicesThanTokens) {
  settings_.size = {.frames = 1, .height_px = 16, .width_px = 32};
  EXPECT_REEL_ERROR(velocity(3, false, "f32"), kInvalidArgument,
                    "There are 3 devices for a clip of 2 tokens.");
}

TEST_F(DenoiserTeamTest, StopsWhenAsked) {
  stop_.request();
  EXPECT_REEL_ERROR(velocity(2, false, "f32"), kCancelled, "Stopped as asked.");
}

}  // namespace
}  // namespace reel::pipeline
