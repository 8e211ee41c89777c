// SPDX-License-Identifier: Apache-2.0
// How long work on the GPU takes.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backends/cuda/cuda_check.h"

namespace reel::cuda {

// A place in what the default stream has to do.
class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "making an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record() const { check(cudaEventRecord(event_), "timing"); }
  void wait() const { check(cudaEventSynchronize(event_), "running what is timed"); }
  double seconds_since(const Event& before) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, before.event_, event_), "timing");
    return 1e-3 * milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// The median of `repeats` measurements of work(run) on the default stream, in seconds a run, after
// three runs that do not count. As in a clip the GPU does not wait for the host between runs: all
// are asked for before the first is waited for. An event takes the time of a short kernel, so that
// a measurement is of as many runs as take a millisecond.
template <typename Work>
double median_seconds(int repeats, Work&& work) {
  constexpr int kWarmUp = 3;
  constexpr double kLeast = 1e-3;
  std::vector<Event> ends(static_cast<size_t>(1 + repeats));
  int run = 0;
  while (run < kWarmUp - 1) work(run++);
  ends[0].record();
  work(run++);
  ends[1].record();
  ends[1].wait();
  const int runs =
      static_cast<int>(std::clamp(std::ceil(kLeast / ends[1].seconds_since(ends[0])), 1.0, 100.0));
  work(run++);
  for (const Event& end : ends) {
    end.record();
    if (&end == &ends.back()) break;
    for (int i = 0; i < runs; ++i) work(run++);
  }
  ends.back().wait();
  std::vector<double> seconds;
  for (size_t end = 1; end < ends.size(); ++end) {
    seconds.push_back(ends[end].seconds_since(ends[end - 1]) / runs);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace reel::cuda
