// SPDX-License-Identifier: Apache-2.0
#include "base/repeated_timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace reel {
namespace {

// Work takes what the test says; marks take `per_mark`.
struct Queue {
  explicit Queue(int repeats) : marks(static_cast<size_t>(1 + repeats)) {}

  void mark(int at) {
    now += per_mark;
    marks[static_cast<size_t>(at)] = now;
    last = at;
    most_ahead = std::max(most_ahead, last - waited);
  }
  void wait(int at) {
    EXPECT_LE(at, last);
    waited = at == last && at == 1 ? 0 : at;  // the estimate's marks are used again
  }
  double seconds_between(int from, int to) const {
    return marks[static_cast<size_t>(to)] - marks[static_cast<size_t>(from)];
  }

  std::vector<double> marks;
  double now = 0;
  double per_mark = 0;
  int last = 0;
  int waited = 0;
  int most_ahead = 0;
};

struct Timed {
  double seconds;
  int runs;
};

Timed time_work(int repeats, double seconds, double per_mark = 0) {
  Queue queue(repeats);
  queue.per_mark = per_mark;
  int runs = 0;
  const double median = median_of_repeated(repeats, queue, [&] {
    ++runs;
    queue.now += seconds;
  });
  return {median, runs};
}

TEST(RepeatedTiming, AsksForShortWorkManyTimesBetweenTwoMarks) {
  const Timed each = time_work(7, 0.4e-3);
  EXPECT_NEAR(each.seconds, 0.4e-3, 1e-9);
  EXPECT_EQ(each.runs, 3 + 7 * 3);
  // Marks of half the work's time make a hundredth of it.
  const Timed short_work = time_work(5, 8e-6, 4e-6);
  EXPECT_NEAR(short_work.seconds, 8e-6, 1e-7);
  EXPECT_EQ(short_work.runs, 3 + 5 * 84);
}

TEST(RepeatedTiming, HasALimitOfRuns) { EXPECT_EQ(time_work(3, 1e-9).runs, 3 + 3 * 100); }

TEST(RepeatedTiming, AsksForLongWorkOnceAMeasurement) {
  for (const int repeats : {1, 2, 7}) {
    const Timed timed = time_work(repeats, 3);
    EXPECT_NEAR(timed.seconds, 3, 1e-9);
    EXPECT_EQ(timed.runs, 3 + repeats);
  }
}

TEST(RepeatedTiming, AnswersTheMedian) {
  Queue queue(5);
  int run = 0;
  const double median = median_of_repeated(5, queue, [&] {
    constexpr double kSeconds[] = {9, 9, 9, 2, 7, 1, 3, 8};
    queue.now += kSeconds[run++];
  });
  EXPECT_EQ(median, 3);
}

// So that work that is stopped is not followed by much more.
TEST(RepeatedTiming, IsTwoMeasurementsAheadAtMost) {
  Queue queue(20);
  median_of_repeated(20, queue, [&] { queue.now += 1; });
  EXPECT_EQ(queue.most_ahead, 2);
}

}  // namespace
}  // namespace reel
