// SPDX-License-Identifier: Apache-2.0
// A video's progress as server-sent events.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "server/video_service.h"

namespace reel::server {

// "event: NAME", "data: JSON" and an empty line. `json` has no line breaks.
std::string event_text(const std::string& name, const std::string& json);

// next() gives "video" when anything about it changed, at most five times a second; "preview" for
// every picture; and "end" as the last.
class VideoEvents {
 public:
  VideoEvents(VideoService& service, std::string id, std::string client);

  // Waits for something to tell; a comment after some seconds without. Nothing after "end".
  std::optional<std::string> next();

 private:
  std::string changes(const JobView& view);

  VideoService& service_;
  const std::string id_, client_;
  uint64_t seen_ = 0;
  std::string told_;  // the last "video"
  int previews_ = 0;
  bool has_ended_ = false;
  std::chrono::steady_clock::time_point told_at_{};
};

}  // namespace reel::server
