// SPDX-License-Identifier: Apache-2.0
#include "server/video_events.h"

#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "server/video_json.h"

namespace reel::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kShortestPause{200};
// So that a client that is gone is noticed.
constexpr milliseconds kLongestSilence{5000};

}  // namespace

std::string event_text(const std::string& name, const std::string& json) {
  return str_cat("event: ", name, "\ndata: ", json, "\n\n");
}

VideoEvents::VideoEvents(VideoService& service, std::string id, std::string client)
    : service_(service), id_(std::move(id)), client_(std::move(client)) {}

std::string VideoEvents::changes(const JobView& view) {
  std::string text;
  const std::string video = dump(video_json(view, service_.model_name()));
  if (video != told_) text += event_text("video", video);
  told_ = video;
  for (; previews_ < view.previews; ++previews_) {
    const int step = previews_ + 1;
    text += event_text("preview", dump({{"step", step},
                                        {"steps", view.job.clip.steps},
                                        {"url", str_cat("/v1/videos/", id_, "/previews/", step)}}));
  }
  return text;
}

std::optional<std::string> VideoEvents::next() {
  if (has_ended_) return std::nullopt;
  const steady_clock::time_point silent_until = steady_clock::now() + kLongestSilence;
  while (true) {
    const auto pause = told_at_ + kShortestPause - steady_clock::now();
    if (pause > milliseconds(0)) std::this_thread::sleep_for(pause);
    const std::optional<JobView> view = service_.find(id_, client_);
    told_at_ = steady_clock::now();
    has_ended_ = !view || is_over(view->job.state) || view->job.state == JobState::kHeld ||
                 service_.is_ending();
    std::string text = view ? changes(*view) : std::string();
    if (has_ended_) return text + event_text("end", "{}");
    if (!text.empty()) return text;
    if (steady_clock::now() >= silent_until) return ": nothing new\n\n";
    seen_ = service_.wait_for_change(seen_, kLongestSilence);
  }
}

}  // namespace reel::server
