// SPDX-License-Identifier: Apache-2.0
// The service with the demo model, at a size that takes a fraction of a second.
#include "server/video_service.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/routes_status.h"
#include "server/routes_tasks.h"
#include "server/routes_videos.h"
#include "server/serve.h"
#include "server/video_events.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::server {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class VideoServiceTest : public testing::Test {
 protected:
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
  // Long enough to be met while it is made.
  static ClipRequest large() {
    ClipRequest request = small(81);
    request.width_px = request.height_px = 128;
    return request;
  }
  std::string create(const ClipRequest& request, const std::string& client = "anna") {
    std::vector<std::string> warnings;
    return service_->create(request, client, warnings).job.id;
  }
  JobView wait(const std::string& id, const std::function<bool(const JobView&)>& is_it) {
    const Clock::time_point end = Clock::now() + std::chrono::seconds(60);
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

TEST_F(VideoServiceTest, MakesAClipAndKeepsIt) {
  const std::string id = create(small());

  const JobView view = wait_until_over(id);

  EXPECT_EQ(view.job.state, JobState::kCompleted) << view.job.error_message;
  EXPECT_EQ(view.job.frames_digest.size(), 32u);
  EXPECT_EQ(view.previews, 4);
  EXPECT_TRUE(std::filesystem::exists(service_->preview_file(view.job, 4)));
  EXPECT_EQ(std::filesystem::file_size(service_->clip_file(view.job)), view.job.file_bytes);
  EXPECT_EQ(nlohmann::json::parse(view.job.recipe).at("frames_digest"), view.job.frames_digest);
  restart();
  EXPECT_EQ(service_->find(id, "")->job.state, JobState::kCompleted);
  EXPECT_TRUE(std::filesystem::exists(service_->clip_file(view.job)));
}

TEST_F(VideoServiceTest, GoesOnAfterARestartWithTheSameBytes) {
  const std::string whole = create(large());
  const std::string digest = wait_until_over(whole).job.frames_digest;
  const std::string cut = create(large()), waiting = create(small());
  wait_until_running(cut);

  service_.reset();
  EXPECT_EQ(saved_jobs(), 1u);
  start();

  const JobView view = wait_until_over(cut);
  EXPECT_EQ(view.job.state, JobState::kCompleted) << view.job.error_message;
  EXPECT_EQ(view.job.frames_digest, digest);
  EXPECT_EQ(wait_until_over(waiting).job.state, JobState::kCompleted);
  EXPECT_EQ(saved_jobs(), 0u);
}

TEST_F(VideoServiceTest, StopsAClipWithinHalfASecond) {
  const std::string id = create(large()), next = create(small());
  wait_until_running(id);

  EXPECT_TRUE(service_->remove(id, "anna"));

  EXPECT_FALSE(service_->find(id, ""));
  const Clock::time_point asked = Clock::now();
  wait(next, [](const JobView& view) { return view.job.state != JobState::kQueued; });
  EXPECT_LT(Clock::now() - asked, milliseconds(500));
  wait_until_over(next);
  EXPECT_EQ(saved_jobs(), 0u);
  EXPECT_EQ(service_->figures().cancelled, 1);
}

TEST_F(VideoServiceTest, CancelsAndRemembersIt) {
  const std::string first = create(large()), second = create(small());
  wait_until_running(first);

  EXPECT_EQ(service_->cancel(second, "anna"), JobState::kQueued);
  EXPECT_EQ(service_->cancel(first, "anna"), JobState::kInProgress);

  EXPECT_EQ(service_->cancel(first, "anna"), JobState::kCancelled);
  EXPECT_EQ(service_->cancel("nobody", "anna"), std::nullopt);
  const std::string third = create(small());
  EXPECT_EQ(wait_until_over(third).job.state, JobState::kCompleted);
  EXPECT_EQ(service_->find(first, "")->job.state, JobState::kCancelled);
  EXPECT_EQ(service_->find(second, "")->job.error_code, "cancelled");
}

TEST_F(VideoServiceTest, RefusesWhatDoesNotFitTheQueue) {
  options_.most_waiting = 2;
  restart();
  const std::string first = create(large());
  wait(first, [](const JobView& view) { return view.job.state == JobState::kInProgress; });
  create(small());
  const JobView last = *service_->find(create(small()), "");

  EXPECT_EQ(last.ahead, 2);
  EXPECT_TRUE(service_->is_full());
  EXPECT_REEL_ERROR(create(small()), kBusy, "2 clips are waiting");
  EXPECT_GE(service_->retry_after_s(), 1);
  EXPECT_EQ(service_->figures().refused, 1);
  service_->remove(first, "");
}

TEST_F(VideoServiceTest, ShowsAClientItsOwn) {
  const std::string annas = create(small(), "anna"), berts = create(small(), "bert");

  EXPECT_TRUE(service_->find(annas, "anna"));
  EXPECT_FALSE(service_->find(annas, "bert"));
  EXPECT_FALSE(service_->remove(annas, "bert"));
  EXPECT_EQ(service_->cancel(annas, "bert"), std::nullopt);
  const std::vector<JobView> list = service_->list({.client = "bert"});
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].job.id, berts);
  EXPECT_EQ(service_->list({}).size(), 2u);
  wait_until_over(annas);
  wait_until_over(berts);
}

TEST_F(VideoServiceTest, RefusesBeforeItQueues) {
  ClipRequest request = small();
  request.sampler = "magic";
  EXPECT_REEL_ERROR(create(request), kInvalidArgument, "magic");
  request = small();
  request.prompt = " ";
  EXPECT_REEL_ERROR(create(request), kInvalidArgument, "empty");
  EXPECT_TRUE(service_->list({}).empty());
}

TEST_F(VideoServiceTest, RemovesTheOldestClipAboveTheQuota) {
  options_.most_file_bytes = 1;
  restart();
  const JobView old = wait_until_over(create(small()));
  const JobView young = wait_until_over(create(small()));

  EXPECT_FALSE(std::filesystem::exists(service_->clip_file(old.job)));
  EXPECT_TRUE(std::filesystem::exists(service_->clip_file(young.job)));
  EXPECT_EQ(service_->find(old.job.id, "")->job.file_bytes, 0u);
  EXPECT_EQ(service_->find(old.job.id, "")->job.recipe, old.job.recipe);
}

TEST_F(VideoServiceTest, GivesUpAClipThatStopsTheServerAgainAndAgain) {
  const std::string id = create(large());
  wait_until_running(id);
  service_.reset();
  {
    JobStore store(options_.data / "jobs.sqlite");
    const int64_t job = store.find(id)->sequence;
    for (int at = 0; at < 3; ++at) store.set_started(job, 1);
  }
  start();

  const JobView view = wait_until_over(id);

  EXPECT_EQ(view.job.state, JobState::kFailed);
  EXPECT_EQ(view.job.error_code, "server_stopped");
}

TEST_F(VideoServiceTest, ClosesTheModelWhenItIsIdle) {
  options_.idle_s = 0.05;
  restart();
  wait_until_over(create(small()));
  const Clock::time_point end = Clock::now() + std::chrono::seconds(10);
  while (service_->figures().is_warm && Clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
  }

  EXPECT_FALSE(service_->figures().is_warm);
  EXPECT_EQ(wait_until_over(create(small())).job.state, JobState::kCompleted);
}

TEST_F(VideoServiceTest, TellsEventsFromTheQueueToTheEnd) {
  const std::string id = create(small());
  VideoEvents events(*service_, id, "anna");
  std::string all;
  while (const std::optional<std::string> text = events.next()) all += *text;

  EXPECT_NE(all.find("event: video\ndata: {"), std::string::npos);
  EXPECT_NE(all.find("\"status\":\"completed\""), std::string::npos);
  for (int step = 1; step <= 4; ++step) {
    EXPECT_NE(all.find("/previews/" + std::to_string(step) + "\""), std::string::npos);
  }
  EXPECT_TRUE(all.ends_with("event: end\ndata: {}\n\n"));
}

TEST_F(VideoServiceTest, EndsEventsOfAClipThatIsDeleted) {
  const std::string id = create(large());
  VideoEvents events(*service_, id, "anna");
  ASSERT_TRUE(events.next());
  service_->remove(id, "anna");
  std::string last;
  while (const std::optional<std::string> text = events.next()) last = *text;

  EXPECT_TRUE(last.ends_with("event: end\ndata: {}\n\n"));
}

TEST_F(VideoServiceTest, HasARouteForEverything) {
  std::string all;
  for (const Route& route : task_routes(*service_)) all += std::string(route.path) + ' ';
  for (const Route& route : video_routes(*service_)) all += std::string(route.path) + ' ';
  for (const Route& route : status_routes(*service_, [] { return std::string("text"); }))
    all += std::string(route.path) + ' ';

  EXPECT_NE(all.find("/v1/videos/{id}/content"), std::string::npos);
  EXPECT_NE(all.find("/ready"), std::string::npos);
}

TEST(Serve, DoesNotListenForOthersWithoutAKey) {
  ServeOptions options;
  options.http.host = "0.0.0.0";

  EXPECT_REEL_ERROR(serve(options, [](const std::string&) {}), kInvalidArgument,
                    "no --api-keys were given");
}

}  // namespace
}  // namespace reel::server
