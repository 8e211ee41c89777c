// SPDX-License-Identifier: Apache-2.0
// A service with the demo model, at sizes that take a fraction of a second.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/video_service.h"
#include "support/temp_folder.h"

namespace reel::server {

class VideoServiceTest : public testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;

  VideoServiceTest() {
    ::setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1);
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    options_.data = folder_ / "data";
    start();
  }

  void start() { service_.emplace(ModelOptions{}, options_); }
  void restart() {
    service_.reset();
    start();
  }

  static ClipRequest small(int frames = 1) {
    ClipRequest request;
    request.prompt = "a red ball moves to the right over a night sky";
    request.width_px = request.height_px = 32;
    request.frames = frames;
    request.seed = 7;
    return request;
  }
#ifdef REEL_SANITIZED
  static constexpr int kLargePx = 32;  // a hundred times as slow
#else
  static constexpr int kLargePx = 128;
#endif
  // Long enough to be met while it is made.
  static ClipRequest large() {
    ClipRequest request = small(81);
    request.width_px = request.height_px = kLargePx;
    return request;
  }
  std::string create(const ClipRequest& request, const std::string& client = "anna") {
    std::vector<std::string> warnings;
    return service_->create(request, client, warnings).job.id;
  }
  JobView wait(const std::string& id, const std::function<bool(const JobView&)>& is_it) {
    const Clock::time_point end = Clock::now() + std::chrono::minutes(5);
    uint64_t seen = 0;
    while (Clock::now() < end) {
      const std::optional<JobView> view = service_->find(id, "");
      if (view && is_it(*view)) return *view;
      seen = service_->wait_for_change(seen, milliseconds(100));
    }
    ADD_FAILURE() << id << " does not get there";
    return {};
  }
  JobView wait_until_over(const std::string& id) {
    return wait(id, [](const JobView& view) { return is_over(view.job.state); });
  }
  void wait_until_running(const std::string& id) {
    wait(id, [](const JobView& view) { return view.previews >= 1; });
  }
  size_t saved_jobs() const {
    size_t count = 0;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_ / "state/reel/jobs", error)) {
      count += entry.is_directory() ? 1 : 0;
    }
    return count;
  }

  test::TempFolder folder_;
  ServiceOptions options_;
  std::optional<VideoService> service_;
};

}  // namespace reel::server
