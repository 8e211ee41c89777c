// SPDX-License-Identifier: Apache-2.0
#include "cli/generate_remotely.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/exit_codes.h"

namespace reel::cli {
namespace {

std::string as_json(const client::RemoteClip& clip) {
  nlohmann::json text = nlohmann::json::parse(clip.video_json);
  text["path"] = clip.path;
  return text.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

int generate_remotely(const Flags& flags, const client::ServerChoice& server, VideoRequest request,
                      int count, bool json, Terminal& terminal) {
  const std::string other = flags.first_given_beside(
      {"server",  "api-key", "prompt", "prompt-file", "negative-prompt", "out",      "force",
       "count",   "fps",     "size",   "frames",      "steps",           "shift",    "guidance",
       "sampler", "seed",    "json",   "quiet",       "verbose",         "log-file", "config"});
  REEL_REQUIRE(other.empty(), kInvalidArgument,
               str_cat(other, " was given with --server, which decides that itself."),
               str_cat("Leave ", other, " out."));
  ShownProgress progress(terminal);
  for (int index = 0; index < count; ++index) {
    const client::RemoteClip clip = client::make_remote_clip(server, request, progress);
    terminal.finish_progress();
    terminal.answer(json ? as_json(clip) : clip.path);
    request.sampling.seed = clip.seed + 1;
  }
  return kExitOk;
}

}  // namespace reel::cli
