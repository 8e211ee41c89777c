// SPDX-License-Identifier: Apache-2.0
#include "cli/clip_answer.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/summary.h"

namespace reel::cli {

std::string as_json(const VideoResult& result) {
  nlohmann::json text{{"path", result.path},      {"seed", result.seed},
                      {"width", result.width_px}, {"height", result.height_px},
                      {"frames", result.frames},  {"frames_digest", result.frames_digest}};
  text["measured"] = nlohmann::json::parse(to_json(result.report));
  text["recipe"] = nlohmann::json::parse(result.recipe_json);
  return text.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void report(const VideoResult& result, bool json, Terminal& terminal) {
  if (json) return terminal.answer(as_json(result));
  terminal.note(str_cat(result.width_px, " wide x ", result.height_px, " high, ", result.frames,
                        " frames, seed ", result.seed, ": ", summary_of_time(result.report)));
  for (const std::string& line : summary_lines(result.report)) terminal.note(line);
  terminal.answer(result.path);
}

std::string describe(const VideoRequest& request) {
  const SamplingOptions& sampling = request.sampling;
  return str_cat("would make ", request.out, ": ", *sampling.width_px, " wide x ",
                 *sampling.height_px, " high, ", *sampling.frames, " frames at ", request.fps,
                 " fps, ", *sampling.steps, " steps with ", sampling.sampler, ", shift ",
                 *sampling.shift, ", guidance ", *sampling.guidance, ", seed ", *sampling.seed);
}

}  // namespace reel::cli
