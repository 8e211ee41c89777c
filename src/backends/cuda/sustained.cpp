// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sustained.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "backends/cuda/limits.h"

namespace reel::cuda {
namespace {

constexpr std::chrono::milliseconds kInterval{10};
constexpr std::chrono::milliseconds kDuration{1000};
// Clocks fall within some hundred milliseconds to what the power limit allows.
constexpr double kSettled = 0.5;

double settled_median(std::vector<double> samples) {
  samples.erase(samples.begin(),
                samples.begin() +
                    static_cast<std::ptrdiff_t>(kSettled * static_cast<double>(samples.size())));
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

// Asks the driver again and again until it is destroyed.
class Watcher {
 public:
  explicit Watcher(const Nvml& nvml) : thread_([this, &nvml] { watch(nvml); }) {}
  ~Watcher() {
    if (thread_.joinable()) stop();
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  Sustained stop() {
    done_ = true;
    thread_.join();
    return {.sm_clock_hz = settled_median(clocks_hz_), .power_w = settled_median(powers_w_)};
  }

 private:
  void watch(const Nvml& nvml) {
    for (; !done_; std::this_thread::sleep_for(kInterval)) {
      if (const auto clocks = nvml.clocks()) clocks_hz_.push_back(1e6 * clocks->sm_mhz);
      if (const auto power = nvml.power()) powers_w_.push_back(power->draw_w);
    }
  }

  std::atomic<bool> done_{false};
  std::vector<double> clocks_hz_, powers_w_;
  std::thread thread_;  // last: uses the others
};

}  // namespace

Sustained sustained_int8(const Nvml& nvml) {
  Watcher watcher(nvml);
  const auto end = std::chrono::steady_clock::now() + kDuration;
  while (std::chrono::steady_clock::now() < end) mma_rate(Mma::kS8);
  return watcher.stop();
}

}  // namespace reel::cuda
