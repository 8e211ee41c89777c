// SPDX-License-Identifier: Apache-2.0
#include "client/remote_clip.h"

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/output_path.h"

namespace reel::client {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{250};
constexpr milliseconds kUntilRoom{2000};
constexpr milliseconds kBetweenStops{50};

void pause(milliseconds length, const StopFlag& stop) {
  for (milliseconds waited{0}; waited < length; waited += kBetweenStops) {
    stop.check();
    std::this_thread::sleep_for(kBetweenStops);
  }
}

json parse(const std::string& body) {
  json video = json::parse(body, nullptr, false);
  REEL_REQUIRE(video.is_object() && video.contains("id") && video.contains("status"), kNetwork,
               "The server's answer is no video object.", "Is it a `reel serve`?");
  return video;
}

// Throws what nlohmann does as kNetwork.
template <typename Take>
auto taken(Take take) {
  try {
    return take();
  } catch (const json::exception& error) {
    fail(ErrorCode::kNetwork, str_cat("The server's answer lacks something: ", error.what()),
         "Is it a `reel serve` of this version?");
  }
}

uint64_t seed_of(const json& video) {
  const auto text = taken([&] { return video.at("seed").get<std::string>(); });
  uint64_t seed = 0;
  std::from_chars(text.data(), text.data() + text.size(), seed);
  return seed;
}

std::optional<Stage> stage_of(const std::string& phase) {
  if (phase == "text") return Stage::kEncodeText;
  if (phase == "denoise") return Stage::kDenoise;
  if (phase == "decode") return Stage::kDecode;
  return std::nullopt;
}

// One clip on its way.
class Order {
 public:
  Order(const ServerChoice& server, const VideoRequest& request, Progress& progress)
      : connection_(server),
        request_(request),
        progress_(progress),
        stop_(progress.stop_requested) {}

  RemoteClip make() {
    place();
    const std::string path =
        "/v1/videos/" + taken([&] { return video_.at("id").get<std::string>(); });
    try {
      const uint64_t seed = seed_of(video_);
      const std::string out = choose_output_path(request_.out, seed, request_.overwrite);
      follow(path);
      connection_.download(path + "/content", out, stop_);
      return {.path = out, .seed = seed, .video_json = video_.dump()};
    } catch (const Error&) {
      take_back(path);
      throw;
    }
  }

 private:
  void place() {
    for (bool has_told = false;; has_told = true) {
      try {
        video_ = parse(connection_.post("/v1/videos", request_json(request_)));
        break;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kBusy) throw;
        if (!has_told) progress_.on_note(str_cat(error.what(), " Waiting for room."));
        pause(kUntilRoom, stop_);
      }
    }
    for (const json& warning : video_.value("warnings", json::array())) {
      if (warning.is_string()) progress_.on_warning(warning.get<std::string>());
    }
  }

  void follow(const std::string& path) {
    while (true) {
      const auto status = taken([&] { return video_.at("status").get<std::string>(); });
      if (status == "completed") return;
      if (status == "failed") {
        fail(ErrorCode::kNetwork,
             taken([&] { return video_.at("error").at("message").get<std::string>(); }));
      }
      taken([&] { return report(); });
      pause(kBetweenLooks, stop_);
      video_ = parse(connection_.get(path));
    }
  }

  bool report() {
    const json& ahead = video_.at("queue_position");
    if (ahead.is_number() && ahead != ahead_) {
      progress_.on_note(str_cat("Clips before this one: ", ahead.get<int>(), '.'));
    }
    ahead_ = ahead;
    if (!video_.at("phase").is_string()) return false;
    const std::optional<Stage> stage = stage_of(video_.at("phase").get<std::string>());
    if (!stage) return false;
    const json& eta = video_.at("eta_seconds");
    progress_.on_event({.stage = *stage,
                        .done = video_.at("done").get<int>(),
                        .total = video_.at("total").get<int>(),
                        .remaining_seconds = eta.is_number() ? eta.get<double>() : -1});
    return true;
  }

  // Nobody waits for it any longer.
  void take_back(const std::string& path) {
    try {
      connection_.remove(path);
    } catch (const Error&) {
      // What went wrong before is the news.
    }
  }

  ServerConnection connection_;
  const VideoRequest& request_;
  Progress& progress_;
  const StopFlag stop_;
  json video_, ahead_;
};

}  // namespace

std::string request_json(const VideoRequest& request) {
  const SamplingOptions& sampling = request.sampling;
  json body{{"prompt", request.prompt}, {"fps", request.fps}};
  const auto add = [&body](const char* name, const auto& value) {
    if (value) body[name] = *value;
  };
  if (!request.negative_prompt.empty()) body["negative_prompt"] = request.negative_prompt;
  if (!sampling.sampler.empty()) body["sampler"] = sampling.sampler;
  if (sampling.width_px && sampling.height_px) {
    body["size"] = str_cat(*sampling.width_px, 'x', *sampling.height_px);
  }
  add("frames", sampling.frames);
  add("steps", sampling.steps);
  add("shift", sampling.shift);
  add("guidance", sampling.guidance);
  add("seed", sampling.seed);
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

RemoteClip make_remote_clip(const ServerChoice& server, const VideoRequest& request,
                            Progress& progress) {
  return Order(server, request, progress).make();
}

}  // namespace reel::client
