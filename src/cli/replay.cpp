// SPDX-License-Identifier: Apache-2.0
// `reel replay`: makes a clip's frames again and compares them.
#include <reel/recipe.h>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

int run_replay(int argc, const char* const* argv, Terminal& terminal) {
  std::string clip;
  ModelOptions model;
  bool show = false;
  Flags flags("replay", "make a clip's frames again and compare");
  flags.add("CLIP", clip, "an MP4 that Reel wrote");
  flags.required();
  flags.add_switch("--show", show, "only print the recipe");
  flags.add_model(model);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  if (show) {
    terminal.answer(read_recipe(clip));
    return kExitOk;
  }
  ShownProgress progress(terminal);
  const ReplayResult result = replay(clip, model, progress);
  for (const std::string& difference : result.differences) terminal.note(difference);
  terminal.answer(result.equal ? "equal"
                               : "different: the frames' digest is " + result.digest +
                                     ", recorded was " + result.recorded_digest);
  return result.equal ? kExitOk : kExitDiffers;
}

}  // namespace

extern const Command kReplayCommand{
    .name = "replay", .summary = "make a clip's frames again and compare", .run = &run_replay};

}  // namespace reel::cli
