// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/timer.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "base/repeated_timing.h"

namespace reel::pipeline {

namespace {

double on_cpu(ops::Context& ctx, int repeats, const std::function<void(ops::Context&)>& work) {
  using Clock = std::chrono::steady_clock;
  work(ctx);
  std::vector<double> seconds;
  for (int run = 0; run < repeats; ++run) {
    ctx.stop.check();
    const Clock::time_point start = Clock::now();
    work(ctx);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<size_t>(repeats / 2)];
}

double on_gpu(CopyEngine& engine, ops::Context& ctx, int repeats,
              const std::function<void(ops::Context&)>& work) {
  struct Stream {
    CopyEngine& engine;
    const ops::Context& ctx;
    std::vector<OwnedEvent> marks;
    void mark(int at) const { engine.record(marks[static_cast<size_t>(at)], ctx.stream); }
    void wait(int at) const { engine.wait_on_host(marks[static_cast<size_t>(at)]); }
    double seconds_between(int from, int to) const {
      return engine.seconds_between(marks[static_cast<size_t>(from)],
                                    marks[static_cast<size_t>(to)]);
    }
  };
  Stream stream{.engine = engine, .ctx = ctx, .marks = {}};
  for (int at = 0; at < 1 + repeats; ++at) stream.marks.emplace_back(engine);
  return median_of_repeated(repeats, stream, [&] {
    ctx.stop.check();
    work(ctx);
  });
}

}  // namespace

double Timer::median_seconds(ops::Context& ctx, int repeats,
                             const std::function<void(ops::Context&)>& work) {
  return runtime_.on_gpu() ? on_gpu(runtime_.copies(), ctx, repeats, work)
                           : on_cpu(ctx, repeats, work);
}

}  // namespace reel::pipeline
