// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/timer.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace reel::pipeline {

Timer::Timer(Runtime& runtime) : runtime_(runtime) {
  if (!runtime.on_gpu()) return;
  begin_ = OwnedEvent(runtime.copies());
  end_ = OwnedEvent(runtime.copies());
}

double Timer::once(ops::Context& ctx, const std::function<void(ops::Context&)>& work) {
  if (!runtime_.on_gpu()) {
    const auto start = std::chrono::steady_clock::now();
    work(ctx);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  CopyEngine& engine = runtime_.copies();
  engine.record(begin_, ctx.stream);
  work(ctx);
  engine.record(end_, ctx.stream);
  engine.wait_on_host(end_);
  return engine.seconds_between(begin_, end_);
}

double Timer::median_seconds(ops::Context& ctx, int repeats,
                             const std::function<void(ops::Context&)>& work) {
  once(ctx, work);
  std::vector<double> seconds;
  for (int run = 0; run < repeats; ++run) {
    ctx.stop.check();
    seconds.push_back(once(ctx, work));
  }
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<size_t>(repeats / 2)];
}

}  // namespace reel::pipeline
