// SPDX-License-Identifier: Apache-2.0
#include "server/task_json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_depth.h"
#include "server/http/api_error.h"
#include "server/http/job_id.h"

namespace reel::server {
namespace {

using nlohmann::json;

constexpr size_t kLongestName = 128;

[[noreturn]] void refuse(const std::string& field, const std::string& why, int status = 400) {
  throw ApiError(status, field + ' ' + why, "invalid_value", field);
}

json parse_body(const HttpRequest& request) {
  json body = json::parse(request.body, nullptr, false);
  if (body.is_discarded() || !body.is_object() || is_json_too_deep(request.body)) {
    throw ApiError(422, "The body is not a JSON object.", "invalid_json");
  }
  return body;
}

std::string text_of(const json& body, const char* field) {
  const auto found = body.find(field);
  if (found == body.end() || found->is_null()) return {};
  if (!found->is_string()) refuse(field, "must be a string.", 422);
  auto text = found->get<std::string>();
  if (text.find('\0') != std::string::npos) refuse(field, "has a zero byte.", 422);
  return text;
}

std::optional<int> integer_of(const json& value, const char* field) {
  if (value.is_null()) return std::nullopt;
  if (!value.is_number_integer()) refuse(field, "must be a whole number.", 422);
  const auto number = value.get<int64_t>();
  if (number < 0 || number > std::numeric_limits<int>::max())
    refuse(field, "is out of range.", 422);
  return static_cast<int>(number);
}

std::optional<int> integer_at(const json& body, const char* field) {
  return integer_of(body.value(field, json()), field);
}

// Pictures, sound, other weights and uploads.
void refuse_what_is_not_done(const json& body) {
  for (const char* field :
       {"image_path", "last_frame_path", "image_mask_path", "video_path", "audio_path"}) {
    if (!text_of(body, field).empty()) {
      refuse(field, "was sent, but Reel makes video from text alone.");
    }
  }
  const json talk = body.value("talk_objects", json());
  if (!talk.is_null() && !talk.empty()) {
    refuse("talk_objects", "was sent, but Reel makes video from text alone.");
  }
  if (!text_of(body, "lora_name").empty()) {
    refuse("lora_name", "was sent; LoRAs are chosen when the server is started.");
  }
  if (!text_of(body, "presigned_url").empty()) {
    refuse("presigned_url", "was sent, but nothing is uploaded; fetch the result.");
  }
}

void read_shape(const json& body, ClipRequest& to) {
  const json shape = body.value("target_shape", json::array());
  if (shape.is_null() || (shape.is_array() && shape.empty())) return;
  if (!shape.is_array() || shape.size() != 2) {
    refuse("target_shape", "must be [height, width].", 422);
  }
  to.height_px = integer_of(shape[0], "target_shape");
  to.width_px = integer_of(shape[1], "target_shape");
}

// "2026-11-28T10:59:43.123": local time, as Python's isoformat() of there.
json local_time(int64_t unix_ms) {
  if (unix_ms == 0) return nullptr;
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &local);
  const std::string thousandths = std::to_string(1000 + unix_ms % 1000).substr(1);
  return text.data() + ("." + thousandths);
}

}  // namespace

std::string safe_file_name(const std::string& wanted) {
  std::string name = wanted.substr(wanted.find_last_of("/\\") + 1);  // npos + 1 is 0
  for (char& letter : name) {
    const bool is_safe = std::isalnum(static_cast<unsigned char>(letter)) ||
                         std::string_view("._-").find(letter) != std::string_view::npos;
    if (!is_safe) letter = '_';
  }
  name = name.substr(0, kLongestName);
  return name.find('.') == std::string::npos ? name + ".mp4" : name;
}

ClipRequest read_task_request(const HttpRequest& request) {
  const json body = parse_body(request);
  refuse_what_is_not_done(body);
  ClipRequest clip;
  clip.prompt = text_of(body, "prompt");
  clip.negative_prompt = text_of(body, "negative_prompt");
  clip.id = text_of(body, "task_id");
  if (!clip.id.empty() && !is_job_id(clip.id)) {
    refuse("task_id", "has other letters than A-Z, a-z, 0-9, '.', '_' and '-', or more than 64.");
  }
  clip.wanted_name = text_of(body, "save_result_path");
  if (!clip.wanted_name.empty()) clip.wanted_name = safe_file_name(clip.wanted_name);
  clip.steps = integer_at(body, "infer_steps");
  clip.frames = integer_at(body, "target_video_length");
  const json seed = body.value("seed", json());
  if (!seed.is_null() && !seed.is_number_unsigned()) {
    refuse("seed", "must be a whole number from 0.", 422);
  }
  if (!seed.is_null()) clip.seed = seed.get<uint64_t>();
  read_shape(body, clip);
  clip.sampler = "euler";  // what its distilled models run there
  return clip;
}

const char* task_state_name(JobState state) {
  switch (state) {
    case JobState::kQueued:
    case JobState::kHeld: return "pending";
    case JobState::kInProgress: return "processing";
    case JobState::kCompleted: return "completed";
    case JobState::kFailed: return "failed";
    case JobState::kCancelled: return "cancelled";
  }
  return "failed";
}

json task_json(const Job& job) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
  const bool has_file = job.state == JobState::kCompleted;
  return {{"task_id", job.id},
          {"status", task_state_name(job.state)},
          {"start_time", local_time(job.started_ms)},
          {"end_time", local_time(job.completed_ms)},
          {"error", or_null(job.error_message)},
          {"error_type", or_null(job.error_code)},
          {"save_result_path", has_file ? json(job.wanted_name) : json()}};
}

}  // namespace reel::server
