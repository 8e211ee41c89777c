// SPDX-License-Identifier: Apache-2.0
// How long work takes that a queue runs behind what it was asked for before.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace reel {

// A queue of work: a GPU's stream.
//   void mark(int at)                            a mark behind what was asked for so far
//   void wait(int at)                            until the work before the mark is done
//   double seconds_between(int from, int to)     of two marks that were waited for
// Marks 0 to `repeats` are used.
//
// The median of `repeats` measurements of work(), in seconds a run, after three runs that do not
// count. As in a clip, the queue does not wait for whoever asks: up to two measurements are ahead.
// A mark takes the time of a short kernel, so that a measurement is of as many runs as take a
// millisecond, but a hundred at most.
template <typename Queue, typename Work>
double median_of_repeated(int repeats, Queue&& queue, Work&& work) {
  constexpr double kLeastMeasured = 1e-3;
  constexpr double kMostRuns = 100;
  constexpr int kAhead = 2;
  work();
  queue.mark(0);
  work();
  queue.mark(1);
  queue.wait(1);
  const double one = queue.seconds_between(0, 1);
  const int runs = static_cast<int>(std::clamp(std::ceil(kLeastMeasured / one), 1.0, kMostRuns));

  work();
  queue.mark(0);
  std::vector<double> seconds;
  const auto take = [&](int measured) {
    queue.wait(measured + 1);
    seconds.push_back(queue.seconds_between(measured, measured + 1) / runs);
  };
  for (int measured = 0; measured < repeats; ++measured) {
    if (measured >= kAhead) take(measured - kAhead);
    for (int run = 0; run < runs; ++run) work();
    queue.mark(measured + 1);
  }
  for (int measured = std::max(0, repeats - kAhead); measured < repeats; ++measured) take(measured);
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace reel
