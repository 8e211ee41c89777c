// SPDX-License-Identifier: Apache-2.0
#include "server/video_service.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/clip_maker.h"
#include "server/job.h"
#include "server/routes_status.h"
#include "server/routes_tasks.h"
#include "server/routes_videos.h"
#include "server/serve.h"
#include "server/video_events.h"
#include "support/expect_error.h"
#include "unit/server/video_service_fixture.h"

namespace reel::server {
namespace {

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
