// SPDX-License-Identifier: Apache-2.0
#include "pipeline/progress_clock.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace reel::pipeline {
namespace {

class Events : public Progress {
 public:
  void on_event(const ProgressEvent& event) override { all.push_back(event); }
  std::vector<ProgressEvent> all;
};

TEST(ProgressClock, ExpectsTheRestToGoAsFastAsWhatWasDone) {
  Events events;
  ProgressClock clock(events);
  clock.expect_after(100);

  clock.enter(Stage::kDenoise, 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  clock.report(1, 0.5);

  ASSERT_EQ(events.all.size(), 2u);
  EXPECT_LT(events.all[0].remaining_seconds, 0);  // nothing is known yet
  const ProgressEvent& event = events.all[1];
  EXPECT_GE(event.stage_seconds, 0.002);
  EXPECT_DOUBLE_EQ(event.remaining_seconds, event.stage_seconds / 1.5 * 2.5 + 100);
}

// What an earlier run did took none of this run's seconds.
TEST(ProgressClock, CountsWhatThisRunDid) {
  Events events;
  ProgressClock clock(events);

  clock.enter(Stage::kDenoise, 4, 2);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  clock.report(3);

  ASSERT_EQ(events.all.size(), 2u);
  EXPECT_EQ(events.all[0].done, 2);
  EXPECT_LT(events.all[0].remaining_seconds, 0);
  EXPECT_DOUBLE_EQ(events.all[1].remaining_seconds, events.all[1].stage_seconds);
}

}  // namespace
}  // namespace reel::pipeline
