// SPDX-License-Identifier: Apache-2.0
#include "server/video_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/clip_request.h"
#include "server/http/api_error.h"
#include "support/expect_error.h"

namespace reel::server {
namespace {

using nlohmann::json;

ClipRequest read(const json& body) {
  HttpRequest request;
  request.headers = {{"content-type", "application/json"}};
  request.body = body.dump();
  return read_video_request(request, "reel-demo");
}

// The field that is refused.
std::string refused(const json& body) {
  try {
    read(body);
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    return error.param;
  }
  return "nothing";
}

TEST(VideoJson, ReadsWhatOpenAisClientSends) {
  const ClipRequest clip =
      read({{"prompt", "a ball"}, {"model", "sora-2"}, {"seconds", "4"}, {"size", "1280x720"}});

  EXPECT_EQ(clip.prompt, "a ball");
  EXPECT_EQ(clip.width_px, 1280);
  EXPECT_EQ(clip.height_px, 720);
  EXPECT_EQ(clip.frames, 65);  // 16 * 4 + 1
  EXPECT_EQ(clip.seed, std::nullopt);
}

TEST(VideoJson, ReadsWhatReelAdds) {
  const ClipRequest clip = read({{"prompt", "p"},
                                 {"negative_prompt", "n"},
                                 {"frames", 9},
                                 {"fps", 8},
                                 {"steps", 2},
                                 {"seed", "18446744073709551615"},
                                 {"sampler", "euler"},
                                 {"shift", 3},
                                 {"guidance", 1.5},
                                 {"look_after", 1}});

  EXPECT_EQ(clip.negative_prompt, "n");
  EXPECT_EQ(clip.frames, 9);
  EXPECT_EQ(clip.fps, 8);
  EXPECT_EQ(clip.steps, 2);
  EXPECT_EQ(clip.seed, ~uint64_t{0});
  EXPECT_EQ(clip.sampler, "euler");
  EXPECT_EQ(clip.shift, 3.0f);
  EXPECT_EQ(clip.guidance, 1.5f);
  EXPECT_EQ(clip.look_after, 1);
  EXPECT_EQ(read({{"prompt", "p"}, {"seconds", 1.5}}).frames, 25);
}

TEST(VideoJson, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(refused(json::object()), "prompt");
  EXPECT_EQ(refused({{"prompt", 5}}), "prompt");
  EXPECT_EQ(refused({{"prompt", "p"}, {"model", "gpt-5"}}), "model");
  EXPECT_EQ(refused({{"prompt", "p"}, {"size", "big"}}), "size");
  EXPECT_EQ(refused({{"prompt", "p"}, {"size", "12x"}}), "size");
  EXPECT_EQ(refused({{"prompt", "p"}, {"size", "99999999999x16"}}), "size");
  EXPECT_EQ(refused({{"prompt", "p"}, {"seconds", "-1"}}), "seconds");
  EXPECT_EQ(refused({{"prompt", "p"}, {"seconds", "1e9"}}), "seconds");
  EXPECT_EQ(refused({{"prompt", "p"}, {"seconds", 1}, {"frames", 17}}), "frames");
  EXPECT_EQ(refused({{"prompt", "p"}, {"input_reference", "x"}}), "input_reference");
  EXPECT_EQ(refused({{"prompt", "p"}, {"out", "/etc/passwd"}}), "out");
  EXPECT_EQ(refused({{"prompt", "p"}, {"input_reference", nullptr}}), "nothing");
}

TEST(VideoJson, LimitsWhatOneRequestMayCost) {
  ClipRequest clip;
  clip.prompt = std::string(kMostPromptBytes, 'a');
  clip.width_px = 1920;
  clip.height_px = 1088;
  clip.frames = kMostFrames;
  EXPECT_NO_THROW(check_limits(clip));
  const auto with = [&](auto change) {
    ClipRequest other = clip;
    change(other);
    return other;
  };
  EXPECT_REEL_ERROR(check_limits(with([](ClipRequest& to) { to.prompt += 'a'; })), kInvalidArgument,
                    "prompt has 8193 bytes");
  EXPECT_REEL_ERROR(check_limits(with([](ClipRequest& to) { to.height_px = 1104; })),
                    kInvalidArgument, "1920x1104");
  EXPECT_REEL_ERROR(check_limits(with([](ClipRequest& to) { to.frames = kMostFrames + 4; })),
                    kInvalidArgument, "frames is 485");
  EXPECT_REEL_ERROR(check_limits(with([](ClipRequest& to) { to.steps = 0; })), kInvalidArgument,
                    "steps is 0");
}

TEST(VideoJson, HasTheFieldsOfOpenAisVideo) {
  JobView view;
  view.job.id = "video_1";
  view.job.clip = {.prompt = "p",
                   .width_px = 64,
                   .height_px = 48,
                   .frames = 33,
                   .steps = 4,
                   .fps = 16,
                   .seed = 7};
  view.job.created_ms = 1'700'000'000'999;
  view.ahead = 3;

  json video = video_json(view, "m");

  EXPECT_EQ(video["id"], "video_1");
  EXPECT_EQ(video["object"], "video");
  EXPECT_EQ(video["model"], "m");
  EXPECT_EQ(video["status"], "queued");
  EXPECT_EQ(video["progress"], 0);
  EXPECT_EQ(video["created_at"], 1'700'000'000);
  EXPECT_EQ(video["completed_at"], nullptr);
  EXPECT_EQ(video["error"], nullptr);
  EXPECT_EQ(video["seconds"], "2");
  EXPECT_EQ(video["size"], "64x48");
  EXPECT_EQ(video["seed"], "7");
  EXPECT_EQ(video["queue_position"], 3);

  view.job.state = JobState::kCancelled;
  view.job.error_code = "cancelled";
  view.job.error_message = "w";
  video = video_json(view, "m");
  EXPECT_EQ(video["status"], "failed");
  EXPECT_EQ(video["error"], (json{{"code", "cancelled"}, {"message", "w"}}));
}

TEST(VideoJson, TellsOfAHeldClip) {
  JobView view;
  view.job.state = JobState::kHeld;
  view.job.look_after = 1;
  json video = video_json(view, "m");
  EXPECT_EQ(video["status"], "queued");  // OpenAI's clients know no other word
  EXPECT_EQ(video["held"], true);
  EXPECT_EQ(video["look_after"], 1);
  EXPECT_EQ(video["queue_position"], nullptr);

  view.job.state = JobState::kCompleted;
  view.job.look_after = 0;
  view.job.spent_ms = 500;
  view.job.started_ms = 10'000;
  view.job.completed_ms = 11'000;
  video = video_json(view, "m");
  EXPECT_EQ(video["held"], false);
  EXPECT_EQ(video["look_after"], nullptr);
  EXPECT_EQ(video["took_seconds"], 1.5);
}

TEST(VideoJson, WritesSecondsShortly) {
  EXPECT_EQ(seconds_of(33, 16), "2");
  EXPECT_EQ(seconds_of(1, 16), "0");
  EXPECT_EQ(seconds_of(9, 16), "0.5");
  EXPECT_EQ(seconds_of(161, 16), "10");
}

TEST(Job, StatesHaveNames) {
  for (const JobState state : {JobState::kQueued, JobState::kInProgress, JobState::kCompleted,
                               JobState::kFailed, JobState::kCancelled, JobState::kHeld}) {
    EXPECT_EQ(job_state_from(job_state_name(state)), state);
  }
  EXPECT_EQ(job_state_from("lost"), std::nullopt);
  EXPECT_FALSE(is_over(JobState::kInProgress));
  EXPECT_FALSE(is_over(JobState::kHeld));
  EXPECT_TRUE(is_over(JobState::kCancelled));
}

}  // namespace
}  // namespace reel::server
