// SPDX-License-Identifier: Apache-2.0
#include "server/task_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/http/api_error.h"

namespace reel::server {
namespace {

using nlohmann::json;

ClipRequest read_task(const json& body) {
  HttpRequest request;
  request.body = body.dump();
  return read_task_request(request);
}

std::string refused_task(const json& body) {
  try {
    read_task(body);
  } catch (const ApiError& error) {
    return std::to_string(error.status) + ' ' + error.param;
  }
  return "nothing";
}

TEST(TaskJson, ReadsATaskAsItsClientsWriteIt) {
  const ClipRequest clip = read_task({{"task_id", "task-1"},
                                      {"prompt", "a ball"},
                                      {"negative_prompt", "n"},
                                      {"infer_steps", 4},
                                      {"seed", 4294967295u},
                                      {"target_shape", {480, 832}},
                                      {"target_video_length", 81},
                                      {"save_result_path", "../../etc/my clip"},
                                      {"image_path", ""},
                                      {"talk_objects", nullptr},
                                      {"use_prompt_enhancer", false},
                                      {"made_up", 5}});

  EXPECT_EQ(clip.id, "task-1");
  EXPECT_EQ(clip.prompt, "a ball");
  EXPECT_EQ(clip.negative_prompt, "n");
  EXPECT_EQ(clip.steps, 4);
  EXPECT_EQ(clip.seed, 4294967295u);
  EXPECT_EQ(clip.height_px, 480);
  EXPECT_EQ(clip.width_px, 832);
  EXPECT_EQ(clip.frames, 81);
  EXPECT_EQ(clip.wanted_name, "my_clip.mp4");
  EXPECT_EQ(clip.sampler, "euler");
}

// There, what a request leaves out is as the last one had it.
TEST(TaskJson, LeavesOutWhatIsLeftOut) {
  const ClipRequest clip = read_task({{"prompt", "p"}, {"target_shape", json::array()}});
  EXPECT_EQ(clip.frames, std::nullopt);
  EXPECT_EQ(clip.width_px, std::nullopt);
  EXPECT_EQ(clip.steps, std::nullopt);
  EXPECT_EQ(clip.seed, std::nullopt);
  EXPECT_EQ(clip.id, "");
}

TEST(TaskJson, NamesWhatCannotBeDone) {
  EXPECT_EQ(refused_task({{"image_path", "a.png"}}), "400 image_path");
  EXPECT_EQ(refused_task({{"talk_objects", {{{"audio", "a"}}}}}), "400 talk_objects");
  EXPECT_EQ(refused_task({{"lora_name", "l"}}), "400 lora_name");
  EXPECT_EQ(refused_task({{"presigned_url", "http://x"}}), "400 presigned_url");
  EXPECT_EQ(refused_task({{"task_id", "../x"}}), "400 task_id");
  EXPECT_EQ(refused_task({{"prompt", 5}}), "422 prompt");
  EXPECT_EQ(refused_task({{"seed", -1}}), "422 seed");
  EXPECT_EQ(refused_task({{"target_video_length", 1.5}}), "422 target_video_length");
  EXPECT_EQ(refused_task({{"target_shape", {1, 2, 3}}}), "422 target_shape");
  EXPECT_EQ(refused_task(json::array()), "422 ");
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(refused_task(json::parse("{\"x\":" + deep + '}')), "422 ");
}

TEST(TaskJson, MakesFileNamesSafe) {
  EXPECT_EQ(safe_file_name("clip.mp4"), "clip.mp4");
  EXPECT_EQ(safe_file_name("C:\\a\\b\"\r\n.mp4"), "b___.mp4");
  EXPECT_EQ(safe_file_name("x"), "x.mp4");
  EXPECT_EQ(safe_file_name(std::string(500, 'a')).size(), 132u);
}

TEST(TaskJson, TellsATask) {
  Job job;
  job.id = "t";
  job.wanted_name = "x.mp4";
  job.started_ms = 1'700'000'000'042;
  job.state = JobState::kInProgress;
  json task = task_json(job);
  EXPECT_EQ(task["task_id"], "t");
  EXPECT_EQ(task["status"], "processing");
  EXPECT_EQ(task["end_time"], nullptr);
  EXPECT_EQ(task["error"], nullptr);
  EXPECT_EQ(task["save_result_path"], nullptr);
  // Whole hours may differ with the time zone.
  const auto start = task["start_time"].get<std::string>();
  EXPECT_EQ(start.size(), std::string("2023-11-14T22:13:20.042").size());
  EXPECT_TRUE(start.ends_with(":20.042")) << start;

  job.state = JobState::kCompleted;
  EXPECT_EQ(task_json(job)["save_result_path"], "x.mp4");
  EXPECT_STREQ(task_state_name(JobState::kQueued), "pending");
  EXPECT_STREQ(task_state_name(JobState::kCancelled), "cancelled");
}

}  // namespace
}  // namespace reel::server
