// SPDX-License-Identifier: Apache-2.0
// `reel scout`: several seeds of a clip in one picture, each ready to be continued.
#include <reel/scout.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"
#include "cli/prompt_text.h"
#include "cli/summary.h"

namespace reel::cli {
namespace {

struct ScoutFlags {
  ModelOptions model;
  ScoutRequest request;
  std::string prompt_file;
  bool no_recipe = false, no_cache = false, json = false;
};

void add_flags(Flags& flags, ScoutFlags& to, Terminal& terminal) {
  VideoRequest& video = to.request.video;
  flags.add("--prompt", video.prompt, "what the clip shows");
  flags.add("--prompt-file", to.prompt_file, "a file with the prompt, or - for standard input");
  flags.add("--negative-prompt", video.negative_prompt, "what to avoid; only with guidance");
  flags.add("--seeds", to.request.seeds, "how many seeds to try, from --seed on; 1 to 32");
  flags.add("--look-after", to.request.steps, "steps to take of each before it is looked at");
  flags.add("--sheet", to.request.sheet, "the picture, a .png; default: scout-SEED.png");
  flags.add("--out", video.out, "where a clip goes once it is continued; {seed} is filled in");
  flags.add_switch("--force", video.overwrite, "replace existing files");
  flags.add("--fps", video.fps, "frames per second");
  flags.add("--quality", video.quality, "0 (lossless) to 51, 18 looks like the frames");
  flags.add_switch("--no-recipe", to.no_recipe, "leave the recipe out of the clip");
  flags.add_switch("--no-cache", to.no_cache,
                   "encode the prompt anew, and keep nothing in the cache folder");
  flags.add_switch("--json", to.json, "print what was made as JSON");
  flags.add_model(to.model);
  flags.add_preview_decoder(to.model);
  flags.add_sampling(video.sampling);
  flags.add_terminal(terminal);
}

std::string as_json(const ScoutResult& result) {
  nlohmann::json text{{"sheet", result.sheet}, {"seeds", nlohmann::json::array()}};
  for (const ScoutedSeed& one : result.seeds) {
    text["seeds"].push_back({{"seed", one.seed}, {"job", one.job_id}});
  }
  text["measured"] = nlohmann::json::parse(to_json(result.report));
  return text.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void report(const ScoutResult& result, bool json, Terminal& terminal) {
  if (json) return terminal.answer(as_json(result));
  terminal.note(summary_of_time(result.report));
  for (const std::string& line : summary_lines(result.report)) terminal.note(line);
  terminal.answer(result.sheet);
  for (const ScoutedSeed& one : result.seeds) {
    terminal.answer(str_cat("seed ", one.seed, ": reel generate --resume ", one.job_id));
  }
}

int run_scout(int argc, const char* const* argv, Terminal& terminal) {
  ScoutFlags flags;
  Flags parser("scout", "several seeds of a clip in one picture, each ready to be continued");
  add_flags(parser, flags, terminal);
  if (parser.parse(argc, argv, terminal)) return kExitOk;
  VideoRequest& video = flags.request.video;
  if (!flags.prompt_file.empty()) video.prompt = read_prompt(flags.prompt_file);
  REEL_REQUIRE(!video.prompt.empty(), kInvalidArgument, "No --prompt was given.",
               "Write: reel scout --prompt \"a red ball bounces on a meadow\"");
  video.write_recipe = !flags.no_recipe;
  flags.model.text_cache = !flags.no_cache;
  ShownProgress progress(terminal);
  report(scout(flags.model, flags.request, progress), flags.json, terminal);
  return kExitOk;
}

}  // namespace

extern const Command kScoutCommand{
    .name = "scout",
    .summary = "several seeds of a clip in one picture, each ready to be continued",
    .run = &run_scout};

}  // namespace reel::cli
