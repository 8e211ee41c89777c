// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/timer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

namespace reel::pipeline {

namespace {

// Seconds between two events of a GPU, which take some microseconds themselves.
constexpr double kLeastMeasured = 1e-3;

std::vector<double> on_cpu(ops::Context& ctx, int repeats,
                           const std::function<void(ops::Context&)>& work) {
  using Clock = std::chrono::steady_clock;
  work(ctx);
  std::vector<double> seconds;
  for (int run = 0; run < repeats; ++run) {
    ctx.stop.check();
    const Clock::time_point start = Clock::now();
    work(ctx);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return seconds;
}

}  // namespace

std::vector<double> Timer::on_gpu(ops::Context& ctx, int repeats,
                                  const std::function<void(ops::Context&)>& work) {
  CopyEngine& engine = runtime_.copies();
  std::vector<OwnedEvent> ends;
  const auto mark = [&] { engine.record(ends.emplace_back(engine), ctx.stream); };
  const auto seconds_to = [&](size_t end) {
    return engine.seconds_between(ends[end - 1], ends[end]);
  };
  work(ctx);
  mark();
  work(ctx);
  mark();
  engine.wait_on_host(ends.back());
  const int runs =
      static_cast<int>(std::clamp(std::ceil(kLeastMeasured / seconds_to(1)), 1.0, 100.0));

  ends.clear();
  work(ctx);
  mark();
  for (int measured = 0; measured < repeats; ++measured) {
    ctx.stop.check();
    for (int run = 0; run < runs; ++run) work(ctx);
    mark();
  }
  engine.wait_on_host(ends.back());
  std::vector<double> seconds;
  for (size_t end = 1; end < ends.size(); ++end) seconds.push_back(seconds_to(end) / runs);
  return seconds;
}

double Timer::median_seconds(ops::Context& ctx, int repeats,
                             const std::function<void(ops::Context&)>& work) {
  std::vector<double> seconds =
      runtime_.on_gpu() ? on_gpu(ctx, repeats, work) : on_cpu(ctx, repeats, work);
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<size_t>(repeats / 2)];
}

}  // namespace reel::pipeline
