// SPDX-License-Identifier: Apache-2.0
// How long work on the GPU takes.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <vector>

#include "backends/cuda/cuda_check.h"

namespace reel::cuda {

class EventPair {
 public:
  EventPair() {
    check(cudaEventCreate(&begin_), "making an event");
    check(cudaEventCreate(&end_), "making an event");
  }
  ~EventPair() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  EventPair(const EventPair&) = delete;
  EventPair& operator=(const EventPair&) = delete;

  // In seconds, of what `work` puts on the default stream. Waits for it.
  template <typename Work>
  double time(Work&& work) const {
    check(cudaEventRecord(begin_), "timing");
    work();
    check(cudaEventRecord(end_), "timing");
    check(cudaEventSynchronize(end_), "running what is timed");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_, end_), "timing");
    return 1e-3 * milliseconds;
  }

 private:
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

// The median of `repeats` runs of work(run), in seconds, after three that do not count.
template <typename Work>
double median_seconds(int repeats, Work&& work) {
  constexpr int kWarmUp = 3;
  const EventPair events;
  std::vector<double> seconds;
  for (int run = 0; run < kWarmUp + repeats; ++run) {
    const double took = events.time([&] { work(run); });
    if (run >= kWarmUp) seconds.push_back(took);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace reel::cuda
