// SPDX-License-Identifier: Apache-2.0
// How long work on the GPU takes.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <vector>

#include "backends/cuda/cuda_check.h"

namespace reel::bench {

// The median of `repeats` runs of work(run), in seconds, after three that do not count. Each run is
// timed by a pair of events of the default stream.
template <typename Work>
double median_seconds(int repeats, Work&& work) {
  constexpr int kWarmUp = 3;
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  cuda::check(cudaEventCreate(&begin), "making an event");
  cuda::check(cudaEventCreate(&end), "making an event");
  std::vector<double> seconds;
  for (int run = -kWarmUp; run < repeats; ++run) {
    cuda::check(cudaEventRecord(begin), "timing");
    work(run + kWarmUp);
    cuda::check(cudaEventRecord(end), "timing");
    cuda::check(cudaEventSynchronize(end), "running what is timed");
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin, end), "timing");
    if (run >= 0) seconds.push_back(1e-3 * milliseconds);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace reel::bench
