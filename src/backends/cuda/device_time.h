// SPDX-License-Identifier: Apache-2.0
// How long work on the GPU takes.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <vector>

#include "backends/cuda/cuda_check.h"
#include "base/repeated_timing.h"

namespace reel::cuda {

// A place in what the default stream has to do, and when it got there.
class TimeMark {
 public:
  TimeMark() { check(cudaEventCreate(&event_), "making an event"); }
  ~TimeMark() { cudaEventDestroy(event_); }
  TimeMark(const TimeMark&) = delete;
  TimeMark& operator=(const TimeMark&) = delete;

  void record() const { check(cudaEventRecord(event_), "timing"); }
  void wait() const { check(cudaEventSynchronize(event_), "running what is timed"); }
  double seconds_since(const TimeMark& before) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, before.event_, event_), "timing");
    return 1e-3 * milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// median_of_repeated() of work(run) on the default stream.
template <typename Work>
double median_seconds(int repeats, Work&& work) {
  struct Stream {
    std::vector<TimeMark> marks;
    void mark(int at) const { marks[static_cast<size_t>(at)].record(); }
    void wait(int at) const { marks[static_cast<size_t>(at)].wait(); }
    double seconds_between(int from, int to) const {
      return marks[static_cast<size_t>(to)].seconds_since(marks[static_cast<size_t>(from)]);
    }
  };
  const Stream stream{.marks = std::vector<TimeMark>(static_cast<size_t>(1 + repeats))};
  int run = 0;
  return median_of_repeated(repeats, stream, [&] { work(run++); });
}

}  // namespace reel::cuda
