// SPDX-License-Identifier: Apache-2.0
// `reel generate`: a prompt becomes a clip.
#include <reel/engine.h>

#include "base/error.h"
#include "cli/clip_answer.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"
#include "cli/generate_remotely.h"
#include "cli/prompt_text.h"
#include "cli/seed_range.h"

namespace reel::cli {
namespace {

struct GenerateFlags {
  ModelOptions model;
  VideoRequest request;
  client::ServerChoice server;
  std::string prompt_file, resume_id, image_path;
  int count = 1;
  int seeds = 0;  // of a range in --seed
  bool no_recipe = false, no_cache = false, json = false, dry_run = false;
};

void add_flags(Flags& flags, GenerateFlags& to, Terminal& terminal) {
  flags.add("--prompt", to.request.prompt, "what the clip shows");
  flags.add("--prompt-file", to.prompt_file, "a file with the prompt, or - for standard input");
  flags.add("--negative-prompt", to.request.negative_prompt, "what to avoid; only with guidance");
  flags.add("--out", to.request.out,
            "clip.mp4, clip.y4m or a folder for PNG; {seed} is filled in; default: reel-SEED.mp4");
  flags.add_switch("--force", to.request.overwrite, "replace an existing file");
  flags.add("--count", to.count, "clips to make, with seeds that follow each other");
  flags.add("--fps", to.request.fps, "frames per second");
  flags.add("--quality", to.request.quality, "0 (lossless) to 51, 18 looks like the frames");
  flags.add_switch("--no-recipe", to.no_recipe, "leave the recipe out of the clip");
  flags.add_switch("--no-cache", to.no_cache,
                   "encode the prompt anew, and keep nothing in the cache folder");
  flags.add("--preview", to.request.preview_dir,
            "a folder for step-1.png and on: what the clip is going to look like after each step");
  flags.add_preview_decoder(to.model);
  flags.add(
      "--resume", to.resume_id,
      "go on with a job that was stopped; --out, --force, --preview, --preview-decoder may be "
      "given anew");
  flags.add_switch("--dry-run", to.dry_run,
                   "check the request and the model, say what would be made, make nothing");
  flags.add_switch("--json", to.json, "print what was made as JSON");
  flags.add("--server", to.server.url, "have this server make it, as http://localhost:8000");
  flags.add("--api-key", to.server.api_key, "the server's key");
  flags.add("--image_path,--image-path,--image", to.image_path,
            "refused: text-to-video takes no image");
  flags.hidden();
  flags.add_model(to.model);
  flags.add_trace(to.model);
  flags.add_sampling(to.request.sampling, to.seeds);
  flags.add_terminal(terminal);
}

// A job keeps what decides about its frames; where they go and what the machine lends are free.
int resume(const Flags& parser, const GenerateFlags& flags, Terminal& terminal) {
  const std::string other = parser.first_given_beside(
      {"resume", "out", "force", "preview", "preview-decoder", "trace", "threads", "vram", "ram",
       "json", "quiet", "verbose", "log-file", "config"});
  REEL_REQUIRE(other.empty(), kInvalidArgument,
               str_cat(other, " was given with --resume, but a job keeps what it was asked for."),
               str_cat("Leave ", other, " out, or make the clip anew without --resume."));
  const SavedJob saved = load_job(flags.resume_id);
  ModelOptions model = saved.model;
  model.trace = flags.model.trace;
  if (!flags.model.preview_decoder.empty()) model.preview_decoder = flags.model.preview_decoder;
  const std::string seen_in = flags.request.preview_dir + saved.request.preview_dir;
  if (seen_in.empty() && flags.model.preview_decoder.empty()) model.preview_decoder.clear();
  drop_unseen_previews(seen_in, model, terminal);
  if (flags.model.threads != 0) model.threads = flags.model.threads;
  if (flags.model.vram_bytes != 0) model.vram_bytes = flags.model.vram_bytes;
  if (flags.model.ram_bytes != 0) model.ram_bytes = flags.model.ram_bytes;
  ShownProgress progress(terminal);
  Engine engine(model);
  const ResumeOptions changes{.out = flags.request.out,
                              .preview_dir = flags.request.preview_dir,
                              .overwrite = flags.request.overwrite};
  report(engine.resume(flags.resume_id, changes, progress), flags.json, terminal);
  return kExitOk;
}

// Reads the prompt and settles the number of clips. Throws kInvalidArgument for flags that do not
// go together.
void complete_flags(GenerateFlags& flags) {
  if (!flags.prompt_file.empty()) flags.request.prompt = read_prompt(flags.prompt_file);
  REEL_REQUIRE(!flags.request.prompt.empty(), kInvalidArgument, "No --prompt was given.",
               "Write: reel generate --prompt \"a red ball bounces on a meadow\"");
  REEL_REQUIRE(flags.count >= 1 && flags.count <= kMostClips, kInvalidArgument,
               str_cat("--count is ", flags.count, "; 1 to ", kMostClips, " are possible."));
  if (flags.seeds > 0) {
    REEL_REQUIRE(flags.count == 1 || flags.count == flags.seeds, kInvalidArgument,
                 str_cat("--count is ", flags.count, ", but --seed names ", flags.seeds, " seeds."),
                 "Leave --count out.");
    flags.count = flags.seeds;
  }
  REEL_REQUIRE(flags.model.trace.empty() || flags.count == 1, kInvalidArgument,
               str_cat("--trace was given with --count ", flags.count,
                       ", but a trace holds the ops of one clip."),
               "Leave one of them out.");
  REEL_REQUIRE(flags.count == 1 || flags.request.out.empty() ||
                   flags.request.out.find("{seed}") != std::string::npos,
               kInvalidArgument,
               str_cat("--out names one clip, but ", flags.count, " are to be made."),
               "Write {seed} into the name: --out \"clip-{seed}.mp4\".");
}

int generate_here(GenerateFlags& flags, Terminal& terminal) {
  drop_unseen_previews(flags.request.preview_dir, flags.model, terminal);
  flags.request.write_recipe = !flags.no_recipe;
  if (flags.model.model.empty()) {
    terminal.note(
        "No --model was given: the built-in demo model makes this clip. It knows simple shapes "
        "that move; for anything else: reel pull wan2.1-t2v-14b-fp8, then --model "
        "wan2.1-t2v-14b-fp8.");
  }
  flags.model.text_cache = !flags.no_cache;
  ShownProgress progress(terminal);
  Engine engine(flags.model);
  if (flags.dry_run) {
    for (int index = 0; index < flags.count; ++index) {
      const VideoRequest complete = engine.check(flags.request, progress);
      terminal.answer(describe(complete));
      flags.request.sampling.seed = complete.sampling.seed.value() + 1;
    }
    return kExitOk;
  }
  for (int index = 0; index < flags.count; ++index) {
    const VideoResult result = engine.generate(flags.request, progress);
    report(result, flags.json, terminal);
    flags.request.sampling.seed = result.seed + 1;
  }
  return kExitOk;
}

int run_generate(int argc, const char* const* argv, Terminal& terminal) {
  GenerateFlags flags;
  Flags parser("generate", "turn a prompt into a clip");
  add_flags(parser, flags, terminal);
  if (parser.parse(argc, argv, terminal)) return kExitOk;
  REEL_REQUIRE(flags.image_path.empty(), kInvalidArgument,
               "--image_path was given, but Reel makes video from text alone.",
               "The hub tags these text-to-video checkpoints as image-to-video and prints a wrong "
               "snippet; leave the flag out.");
  if (!flags.resume_id.empty()) return resume(parser, flags, terminal);
  complete_flags(flags);
  if (!flags.server.url.empty()) {
    return generate_remotely(parser, flags.server, flags.request, flags.count, flags.json,
                             terminal);
  }
  return generate_here(flags, terminal);
}

}  // namespace

extern const Command kGenerateCommand{
    .name = "generate", .summary = "turn a prompt into a clip", .run = &run_generate};

}  // namespace reel::cli
