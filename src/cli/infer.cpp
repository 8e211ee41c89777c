// SPDX-License-Identifier: Apache-2.0
// `reel infer`: the command line and JSON configs of LightX2V. What they mean is the business of
// compat/lightx2v.
#include <reel/engine.h>
#include <reel/lightx2v.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/clip_answer.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

struct InferFlags {
  std::string model_cls, task, model_path;
  lightx2v::Settings settings;
  std::vector<std::string> support_tasks;
  std::string image_path, last_frame_path, audio_path, video_path, src_video, aspect_ratio;
  bool use_prompt_enhancer = false, warmup = false, return_result_tensor = false;
  // Reel's own.
  std::string device = "auto";
  int threads = 0;
  uint64_t vram_bytes = 0, ram_bytes = 0;
  bool force = false, dry_run = false, json = false;
};

void add_reference_flags(Flags& flags, InferFlags& to) {
  flags.add("--model_cls", to.model_cls, "wan2.1_distill, or wan2.1");
  flags.add("--task", to.task, "t2v");
  flags.add("--model_path", to.model_path, "the folder of the checkpoint");
  flags.add("--config_json", to.settings.config_json,
            "a config of LightX2V; it stands above the flags");
  flags.add("--prompt", to.settings.prompt, "what the clip shows");
  flags.add("--negative_prompt", to.settings.negative_prompt,
            "what to avoid; only with enable_cfg");
  flags.add("--seed", to.settings.seed, "42 when left out");
  flags.add("--save_result_path", to.settings.save_result_path, "where the clip goes");
  flags.add("--target_shape", to.settings.target_shape,
            "height and width in pixels, above the config");
  flags.add("--num_frames", to.settings.num_frames, "where the config names no length");
  flags.add("--image_path", to.image_path, "refused: text-to-video takes no image");
  flags.add("--last_frame_path", to.last_frame_path, "refused, as --image_path");
  flags.add("--audio_path", to.audio_path, "refused: no sound is taken");
  flags.add("--video_path", to.video_path, "refused: no video is taken");
  flags.add("--src_video", to.src_video, "refused, as --video_path");
  flags.add("--support_tasks", to.support_tasks, "without effect");
  flags.add("--aspect_ratio", to.aspect_ratio, "without effect");
  flags.add_switch("--use_prompt_enhancer", to.use_prompt_enhancer, "without effect");
  flags.add_switch("--warmup", to.warmup, "without effect");
  flags.add_switch("--return_result_tensor", to.return_result_tensor, "without effect");
}

void add_own_flags(Flags& flags, InferFlags& to, Terminal& terminal) {
  flags.add("--set", to.settings.sets,
            "a key of the config: --set sample_shift=5; above everything");
  flags.add("--sampler", to.settings.sampler,
            "of a distilled model: euler, as LightX2V has it now, or lcm, as in 2025");
  flags.add_switch("--force", to.force, "replace an existing file, as LightX2V does");
  flags.add(
      "--device", to.device,
      "cpu, cuda:0, or cuda:0,cuda:1 for one clip on several GPUs; auto takes one where it can");
  flags.add("--threads", to.threads, "compute threads; 0 for all cores");
  flags.add_bytes("--vram", to.vram_bytes, "behave as on a GPU of this size, like 12GiB");
  flags.add_bytes("--ram", to.ram_bytes, "host memory for weights, like 8GiB");
  flags.add_switch("--dry-run", to.dry_run,
                   "check the request and the model, say what would be made, make nothing");
  flags.add_switch("--json", to.json, "print what was made as JSON");
  flags.add_terminal(terminal);
}

void refuse_other_inputs(const InferFlags& flags) {
  REEL_REQUIRE(flags.image_path.empty() && flags.last_frame_path.empty(), kInvalidArgument,
               "--image_path was given, but Reel makes video from text alone.",
               "The hub tags these text-to-video checkpoints as image-to-video and prints a wrong "
               "snippet; leave the flag out.");
  REEL_REQUIRE(flags.audio_path.empty() && flags.video_path.empty() && flags.src_video.empty(),
               kInvalidArgument, "Sound or video was given, but Reel makes video from text alone.",
               "Leave --audio_path, --video_path and --src_video out.");
}

std::vector<std::string> flags_without_effect(const InferFlags& flags) {
  std::vector<std::string> names;
  if (flags.use_prompt_enhancer) names.emplace_back("--use_prompt_enhancer");
  if (flags.warmup) names.emplace_back("--warmup");
  if (flags.return_result_tensor) names.emplace_back("--return_result_tensor");
  if (!flags.support_tasks.empty()) names.emplace_back("--support_tasks");
  if (!flags.aspect_ratio.empty()) names.emplace_back("--aspect_ratio");
  return names;
}

// A flag as a value of the configuration.
void give(lightx2v::Settings& settings, const char* flag, const std::string& value) {
  if (value.empty()) return;
  settings.given.push_back({.key = flag + 2, .json = nlohmann::json(value).dump(), .origin = flag});
}

lightx2v::Run prepare(InferFlags& flags, Progress& progress) {
  lightx2v::Settings& settings = flags.settings;
  give(settings, "--model_cls", flags.model_cls);
  give(settings, "--task", flags.task);
  give(settings, "--model_path", flags.model_path);
  settings.without_effect = flags_without_effect(flags);
  lightx2v::Run run = lightx2v::prepare(settings, progress);
  run.model.text_cache = true;
  run.model.device = flags.device;
  run.model.threads = flags.threads;
  run.model.vram_bytes = flags.vram_bytes;
  run.model.ram_bytes = flags.ram_bytes;
  run.request.overwrite = flags.force;
  return run;
}

int run_infer(int argc, const char* const* argv, Terminal& terminal) {
  InferFlags flags;
  Flags parser("infer", "make a clip from a command line and config of LightX2V");
  add_reference_flags(parser, flags);
  add_own_flags(parser, flags, terminal);
  if (parser.parse(argc, argv, terminal)) return kExitOk;
  refuse_other_inputs(flags);
  REEL_REQUIRE(!flags.settings.prompt.empty(), kInvalidArgument, "No --prompt was given.",
               "Write --prompt \"a red ball bounces on a meadow\".");
  ShownProgress progress(terminal);
  const lightx2v::Run mapped = prepare(flags, progress);
  if (mapped.request.out.empty() && !flags.dry_run) {
    terminal.note("No --save_result_path was given: the clip is named after its seed.");
  }
  Engine engine(mapped.model);
  if (flags.dry_run) {
    terminal.answer(describe(engine.check(mapped.request, progress)));
  } else {
    report(engine.generate(mapped.request, progress), flags.json, terminal);
  }
  return kExitOk;
}

}  // namespace

extern const Command kInferCommand{
    .name = "infer",
    .summary = "make a clip from a command line and config of LightX2V",
    .run = &run_infer};

}  // namespace reel::cli
