// SPDX-License-Identifier: Apache-2.0
#include "server/live_job.h"

#include <gtest/gtest.h>

namespace reel::server {
namespace {

TEST(LiveJob, TellsHowFarTheClipIs) {
  int changes = 0;
  LiveJob live([&] { ++changes; }, [](const std::string&) {});
  EXPECT_EQ(std::string(live.state().phase), "load");

  live.on_event({.stage = Stage::kDenoise, .done = 2, .total = 4, .remaining_seconds = 3});

  const LiveState state = live.state();
  EXPECT_EQ(std::string(state.phase), "denoise");
  EXPECT_EQ(state.done, 2);
  EXPECT_EQ(state.total, 4);
  EXPECT_EQ(state.eta_s, 3);
  EXPECT_EQ(state.percent, 42);  // 5 + (80 - 5) / 2, rounded down
  EXPECT_EQ(changes, 1);
}

TEST(LiveJob, NeverGoesBackAndNeverSaysItIsDone) {
  LiveJob live([] {}, [](const std::string&) {});
  int before = 0;
  for (const Stage stage : {Stage::kEncodeText, Stage::kDenoise, Stage::kDecode}) {
    for (int done = 0; done <= 5; ++done) {
      live.on_event({.stage = stage, .done = done, .total = 5});
      EXPECT_GE(live.state().percent, before);
      before = live.state().percent;
    }
  }
  EXPECT_EQ(before, 99);
  live.on_event({.stage = Stage::kEncodeText, .done = 0, .total = 5});
  EXPECT_EQ(live.state().percent, 99);
}

TEST(LiveJob, TellsNoMoreThanTenTimesASecond) {
  int changes = 0;
  LiveJob live([&] { ++changes; }, [](const std::string&) {});
  for (int done = 0; done < 1000; ++done) {
    live.on_event({.stage = Stage::kDecode, .done = done, .total = 1000});
  }
  EXPECT_LE(changes, 20);
}

TEST(LiveJob, StopsOnceTheStepsBeforeTheLookAreTaken) {
  LiveJob live([] {}, [](const std::string&) {}, 2);
  live.on_event({.stage = Stage::kEncodeText, .done = 5, .total = 5});
  live.on_preview({.step = 2, .steps = 4});  // it is not saved yet
  live.on_event({.stage = Stage::kDenoise, .done = 1, .total = 4, .part = 1});
  EXPECT_FALSE(live.stop_requested);
  EXPECT_FALSE(live.is_to_be_held());

  live.on_event({.stage = Stage::kDenoise, .done = 2, .total = 4});

  EXPECT_TRUE(live.stop_requested);
  EXPECT_TRUE(live.is_to_be_held());
}

TEST(LiveJob, HandsOnTheNameOfTheSavedJob) {
  std::string heard;
  LiveJob live([] {}, [&](const std::string& name) { heard = name; });

  live.on_job("20261128-7");
  live.on_preview({.step = 2, .steps = 4});

  EXPECT_EQ(heard, "20261128-7");
  EXPECT_EQ(live.saved_job(), "20261128-7");
  EXPECT_EQ(live.state().previews, 2);
}

}  // namespace
}  // namespace reel::server
