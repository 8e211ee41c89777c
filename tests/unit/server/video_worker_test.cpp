// SPDX-License-Identifier: Apache-2.0
// The thread of the service that makes clips.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "server/job_store.h"
#include "support/expect_error.h"
#include "unit/server/video_service_fixture.h"

namespace reel::server {
namespace {

class VideoWorkerTest : public VideoServiceTest {};

TEST_F(VideoWorkerTest, GoesOnAfterARestartWithTheSameBytes) {
  ClipRequest clip = large();
  clip.width_px = clip.height_px = std::min(kLargePx, 64);  // it is made twice
  const std::string digest = wait_until_over(create(clip)).job.frames_digest;
  const std::string cut = create(clip), waiting = create(small());
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

bool is_held(const JobView& view) { return view.job.state == JobState::kHeld; }

ClipRequest with_look(ClipRequest request, int steps = 1) {
  request.look_after = steps;
  return request;
}

TEST_F(VideoWorkerTest, HoldsAClipAfterItsFirstStepAndGoesOnFromItsLatents) {
  const std::string digest = wait_until_over(create(small(5))).job.frames_digest;
  const std::string looked_at = create(with_look(small(5))), next = create(small());

  const JobView held = wait(looked_at, is_held);
  EXPECT_EQ(held.previews, 1);
  EXPECT_TRUE(std::filesystem::exists(service_->preview_file(held.job, 1)));
  EXPECT_FALSE(std::filesystem::exists(service_->preview_file(held.job, 2)));
  EXPECT_EQ(wait_until_over(next).job.state, JobState::kCompleted);  // it is in nobody's way
  EXPECT_EQ(service_->find(looked_at, "")->job.state, JobState::kHeld);
  EXPECT_EQ(saved_jobs(), 1u);
  restart();
  EXPECT_EQ(service_->find(looked_at, "")->job.state, JobState::kHeld);
  // The first picture would be drawn anew if the first step were taken again.
  std::filesystem::remove(service_->preview_file(held.job, 1));

  EXPECT_FALSE(service_->go_on(looked_at, "bert"));
  EXPECT_EQ(service_->go_on(looked_at, "anna")->job.state, JobState::kQueued);
  const JobView made = wait_until_over(looked_at);
  EXPECT_EQ(made.job.state, JobState::kCompleted) << made.job.error_message;
  EXPECT_EQ(made.job.frames_digest, digest);
  EXPECT_FALSE(std::filesystem::exists(service_->preview_file(held.job, 1)));
  EXPECT_TRUE(std::filesystem::exists(service_->preview_file(held.job, 4)));
  EXPECT_GT(made.job.spent_ms, 0);
  EXPECT_EQ(saved_jobs(), 0u);
  EXPECT_EQ(service_->go_on(looked_at, "anna")->job.state, JobState::kCompleted);
}

TEST_F(VideoWorkerTest, KeepsNothingOfAHeldClipThatIsNotWanted) {
  const std::string removed = create(with_look(small())), cancelled = create(with_look(small(), 2));
  wait(removed, is_held);
  const JobView held = wait(cancelled, is_held);
  EXPECT_EQ(held.previews, 2);

  EXPECT_TRUE(service_->remove(removed, "anna"));
  EXPECT_EQ(service_->cancel(cancelled, "anna"), JobState::kHeld);

  EXPECT_EQ(saved_jobs(), 0u);
  EXPECT_FALSE(std::filesystem::exists(service_->preview_file(held.job, 1)));
  EXPECT_EQ(service_->find(cancelled, "")->job.state, JobState::kCancelled);
}

TEST_F(VideoWorkerTest, HoldsAsManyAsMayWait) {
  options_.most_waiting = 1;
  restart();
  const std::string oldest = create(with_look(small()));
  wait(oldest, is_held);
  const std::string newest = create(with_look(small()));
  wait(newest, is_held);

  const JobView gone = wait_until_over(oldest);
  EXPECT_EQ(gone.job.state, JobState::kCancelled);
  EXPECT_NE(gone.job.error_message.find("others took its place"), std::string::npos);
  EXPECT_EQ(saved_jobs(), 1u);
  EXPECT_REEL_ERROR(create(with_look(small(), 5)), kInvalidArgument, "look_after is 5");
}

TEST_F(VideoWorkerTest, StopsAClipWithinHalfASecond) {
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

TEST_F(VideoWorkerTest, RemovesTheOldestClipAboveTheQuota) {
  options_.most_file_bytes = 1;
  restart();
  const JobView old = wait_until_over(create(small()));
  const JobView young = wait_until_over(create(small()));

  EXPECT_FALSE(std::filesystem::exists(service_->clip_file(old.job)));
  EXPECT_TRUE(std::filesystem::exists(service_->clip_file(young.job)));
  EXPECT_EQ(service_->find(old.job.id, "")->job.file_bytes, 0u);
  EXPECT_EQ(service_->find(old.job.id, "")->job.recipe, old.job.recipe);
}

TEST_F(VideoWorkerTest, GivesUpAClipThatStopsTheServerAgainAndAgain) {
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

TEST_F(VideoWorkerTest, ClosesTheModelWhenItIsIdle) {
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

}  // namespace
}  // namespace reel::server
