// SPDX-License-Identifier: Apache-2.0
#include "server/video_json.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "server/http/api_error.h"
#include "server/http/request_fields.h"

namespace reel::server {
namespace {

using nlohmann::json;

constexpr double kMostSeconds = 30;

void check_model(const std::string& asked, const std::string& served) {
  // What programs written for OpenAI's models name without being asked.
  if (asked == served || asked.starts_with("sora-2")) return;
  throw ApiError(400, str_cat("The model here is \"", served, "\", not \"", asked, "\"."),
                 "model_not_found", "model");
}

void refuse_image(RequestFields& fields) {
  if (!fields.has("input_reference")) return fields.drop("input_reference");
  throw ApiError(400, "input_reference was sent, but Reel makes video from text alone.",
                 "invalid_value", "input_reference");
}

// Seconds to 16 s + 1 frames, or as many as another frame rate has in that time.
void read_length(RequestFields& fields, ClipRequest& to) {
  to.fps = fields.take_integer("fps");
  to.frames = fields.take_integer("frames");
  const std::optional<double> seconds = fields.take_number("seconds");
  if (!seconds) return;
  if (to.frames) {
    throw ApiError(400, "seconds and frames were both sent.", "invalid_value", "frames");
  }
  if (*seconds < 0 || *seconds > kMostSeconds) {
    throw ApiError(400, str_cat("seconds must be 0 to ", kMostSeconds, '.'), "invalid_value",
                   "seconds");
  }
  const int fps = to.fps.value_or(kFramesPerSecond);
  to.frames = static_cast<int>(std::lround(*seconds * fps)) + 1;
}

int to_seconds(int64_t unix_ms) { return static_cast<int>(unix_ms / 1000); }

json or_null(bool is_there, json value) { return is_there ? std::move(value) : json(); }

int percent_of(const JobView& view) {
  if (view.job.state == JobState::kCompleted) return 100;
  return view.live ? view.live->percent : 0;
}

// In the words that OpenAI's clients know.
const char* status_of(JobState state) {
  if (state == JobState::kCancelled) return job_state_name(JobState::kFailed);
  return job_state_name(state == JobState::kHeld ? JobState::kQueued : state);
}

json error_of(const Job& job) {
  return or_null(!job.error_code.empty(),
                 {{"code", job.error_code}, {"message", job.error_message}});
}

// What is known of the run under way, with null where there is none.
void add_live(const JobView& view, json& to) {
  const auto& live = view.live;
  to["phase"] = live ? json(live->phase) : json();
  to["done"] = live ? json(live->done) : json();
  to["total"] = live ? json(live->total) : json();
  to["eta_seconds"] = live && live->eta_s >= 0 ? json(std::round(live->eta_s * 10) / 10) : json();
  to["queue_position"] = view.job.state == JobState::kQueued ? json(view.ahead) : json();
  to["previews"] = view.previews;
}

}  // namespace

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string seconds_of(int frames, int fps) {
  std::string text = std::to_string((frames - 1) / static_cast<double>(fps));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

void read_size(const std::string& text, ClipRequest& to) {
  const size_t cross = text.find('x');
  const auto side = [&](std::string_view digits) -> std::optional<int> {
    int value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
    return is_number ? std::optional(value) : std::nullopt;
  };
  if (cross != std::string::npos) {
    to.width_px = side(std::string_view(text).substr(0, cross));
    to.height_px = side(std::string_view(text).substr(cross + 1));
  }
  if (!to.width_px || !to.height_px) {
    throw ApiError(400, str_cat("size is \"", text, "\"; WIDTHxHEIGHT is needed, as 832x480."),
                   "invalid_value", "size");
  }
}

ClipRequest read_video_request(const HttpRequest& request, const std::string& model_name) {
  RequestFields fields(request);
  ClipRequest clip;
  const std::optional<std::string> prompt = fields.take_text("prompt");
  if (!prompt) throw ApiError(400, "prompt is needed.", "missing_required_parameter", "prompt");
  clip.prompt = *prompt;
  if (const auto model = fields.take_text("model")) check_model(*model, model_name);
  refuse_image(fields);
  if (const auto size = fields.take_text("size")) read_size(*size, clip);
  read_length(fields, clip);
  clip.negative_prompt = fields.take_text("negative_prompt").value_or("");
  clip.steps = fields.take_integer("steps");
  clip.seed = fields.take_seed("seed");
  clip.sampler = fields.take_text("sampler").value_or("");
  const auto real = [&](const char* name) -> std::optional<float> {
    const std::optional<double> number = fields.take_number(name);
    return number ? std::optional(static_cast<float>(*number)) : std::nullopt;
  };
  clip.shift = real("shift");
  clip.guidance = real("guidance");
  clip.look_after = fields.take_integer("look_after");
  fields.finish();
  return clip;
}

json video_json(const JobView& view, const std::string& model_name) {
  const Job& job = view.job;
  const ClipSettings& clip = job.clip;
  json video{{"id", job.id},
             {"object", "video"},
             {"model", model_name},
             {"status", status_of(job.state)},
             {"progress", percent_of(view)},
             {"created_at", to_seconds(job.created_ms)},
             {"completed_at", or_null(job.completed_ms != 0, to_seconds(job.completed_ms))},
             {"expires_at", nullptr},
             {"error", error_of(job)},
             {"prompt", clip.prompt},
             {"remixed_from_video_id", nullptr},
             {"seconds", seconds_of(clip.frames, clip.fps)},
             {"size", str_cat(clip.width_px, 'x', clip.height_px)},
             // Beyond OpenAI's. A seed may have more digits than a JavaScript number.
             {"seed", std::to_string(clip.seed)},
             {"frames", clip.frames},
             {"fps", clip.fps},
             {"steps", clip.steps},
             {"sampler", clip.sampler},
             {"shift", clip.shift},
             {"guidance", clip.guidance},
             {"negative_prompt", clip.negative_prompt},
             {"frames_digest", or_null(!job.frames_digest.empty(), job.frames_digest)},
             {"bytes", or_null(job.file_bytes != 0, job.file_bytes)},
             {"look_after", or_null(job.look_after != 0, job.look_after)},
             {"held", job.state == JobState::kHeld}};
  const int64_t took_ms = job.spent_ms + job.completed_ms - job.started_ms;
  video["took_seconds"] =
      or_null(job.state == JobState::kCompleted, static_cast<double>(took_ms) / 1000);
  add_live(view, video);
  return video;
}

}  // namespace reel::server
