// SPDX-License-Identifier: Apache-2.0
// A clip that a server makes and this machine keeps.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <cstdint>
#include <string>

#include "client/server_connection.h"

namespace reel::client {

struct RemoteClip {
  std::string path;
  uint64_t seed = 0;
  std::string video_json;  // the server's video object
};

// Asks for the clip, waits until it is made and downloads it. Of the request's sampling, a step
// list and the noise of another GPU cannot be asked for. Waits while the server's queue is full. A
// stop takes the clip from the server, and throws kCancelled. Throws as ServerConnection, and
// kNetwork when the server could not make the clip.
RemoteClip make_remote_clip(const ServerChoice& server, const VideoRequest& request,
                            Progress& progress);

// The body that asks for it.
std::string request_json(const VideoRequest& request);

}  // namespace reel::client
