// SPDX-License-Identifier: Apache-2.0
// `reel infer`: the command line and JSON configs of LightX2V. What they mean is the business of
// compat/lightx2v; here files are read and the clip is made.
#include <reel/engine.h>
#include <reel/inspect.h>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/clip_answer.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"
#include "compat/lightx2v/environment.h"
#include "compat/lightx2v/layers.h"
#include "compat/lightx2v/map_request.h"

namespace reel::cli {
namespace {

namespace fs = std::filesystem;
namespace lightx2v = compat::lightx2v;

constexpr uint64_t kLongestConfig = uint64_t{1} << 20;

struct InferFlags {
  std::string model_cls, task, model_path, config_json;
  lightx2v::RequestFlags request;
  std::vector<std::string> sets, support_tasks;
  std::string image_path, last_frame_path, audio_path, video_path, src_video, aspect_ratio;
  bool use_prompt_enhancer = false, warmup = false, return_result_tensor = false;
  // Reel's own.
  std::string sampler, device = "auto";
  int threads = 0;
  uint64_t vram_bytes = 0, ram_bytes = 0;
  bool force = false, dry_run = false, json = false;
};

void add_reference_flags(Flags& flags, InferFlags& to) {
  flags.add("--model_cls", to.model_cls, "wan2.1_distill, or wan2.1");
  flags.add("--task", to.task, "t2v");
  flags.add("--model_path", to.model_path, "the folder of the checkpoint");
  flags.add("--config_json", to.config_json, "a config of LightX2V; it stands above the flags");
  flags.add("--prompt", to.request.prompt, "what the clip shows");
  flags.add("--negative_prompt", to.request.negative_prompt, "what to avoid; only with enable_cfg");
  flags.add("--seed", to.request.seed, "42 when left out");
  flags.add("--save_result_path", to.request.save_result_path, "where the clip goes");
  flags.add("--target_shape", to.request.target_shape,
            "height and width in pixels, above the config");
  flags.add("--num_frames", to.request.num_frames, "where the config names no length");
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
  flags.add("--set", to.sets, "a key of the config: --set sample_shift=5; above everything");
  flags.add("--sampler", to.sampler,
            "of a distilled model: euler, as LightX2V has it now, or lcm, as in 2025");
  flags.add_switch("--force", to.force, "replace an existing file, as LightX2V does");
  flags.add("--device", to.device, "cpu or cuda:0; auto takes a GPU where one can be used");
  flags.add("--threads", to.threads, "compute threads; 0 for all cores");
  flags.add_bytes("--vram", to.vram_bytes, "behave as on a GPU of this size, like 12GiB");
  flags.add_bytes("--ram", to.ram_bytes, "host memory for weights, like 8GiB");
  flags.add_switch("--dry-run", to.dry_run,
                   "check everything, say what would be made, make nothing");
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
  for (std::string& name : lightx2v::check_environment(env::get)) {
    names.push_back(std::move(name) + " (environment)");
  }
  return names;
}

// The folders in which LightX2V looks for a model's config, nearest first.
std::optional<lightx2v::Layer> model_config(const std::string& folder) {
  for (const char* below :
       {"", "low_noise_model", "distill_models/low_noise_model", "original", "transformer"}) {
    const fs::path path = fs::path(folder) / below / "config.json";
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    return lightx2v::parse_config(read_text_file(path, kLongestConfig), path.string());
  }
  return std::nullopt;
}

lightx2v::Assembled assemble(const InferFlags& flags) {
  lightx2v::Layers layers{.flags = {}, .config = {}, .sets = flags.sets, .model_config = {}};
  if (!flags.model_cls.empty()) layers.flags["model_cls"] = {flags.model_cls, "--model_cls"};
  if (!flags.task.empty()) layers.flags["task"] = {flags.task, "--task"};
  if (!flags.model_path.empty()) layers.flags["model_path"] = {flags.model_path, "--model_path"};
  if (!flags.config_json.empty()) {
    layers.config = lightx2v::parse_config(read_text_file(flags.config_json, kLongestConfig),
                                           flags.config_json);
  }
  layers.model_config = &model_config;
  return lightx2v::assemble(layers);
}

lightx2v::MappedRun map_flags(const InferFlags& flags, Terminal& terminal) {
  const lightx2v::Assembled assembled = assemble(flags);
  lightx2v::RequestFlags request = flags.request;
  request.without_effect = flags_without_effect(flags);
  lightx2v::MappedRun run =
      lightx2v::map_request(assembled.settings, request, [](const fs::path& path) {
        std::error_code ignored;
        return fs::exists(path, ignored);
      });
  run.model.text_cache = true;
  run.model.device = flags.device;
  run.model.threads = flags.threads;
  run.model.vram_bytes = flags.vram_bytes;
  run.model.ram_bytes = flags.ram_bytes;
  run.request.overwrite = flags.force;
  for (const std::string& note : assembled.notes) terminal.note(note);
  for (const std::string& note : run.notes) terminal.note(note);
  return run;
}

// Without the hint about a flag that this command does not have.
Inspection inspect_variant(const ModelOptions& options) {
  try {
    return inspect(options);
  } catch (const Error& error) {
    std::error_code ignored;
    const bool lacks_variant = error.code() == ErrorCode::kNotFound && !options.variant.empty() &&
                               fs::exists(options.model, ignored);
    if (!lacks_variant) throw;
    fail(error.code(), error.what(),
         "dit_quant_scheme of the config asks for it: change that, or give --model_path the folder "
         "that has it.");
  }
}

// Quantised weights stand in where there are no others.
Inspection inspect_preferred(lightx2v::MappedRun& run, const ModelOptions& options,
                             Terminal& terminal) {
  if (!run.prefers_bf16) return inspect_variant(options);
  ModelOptions bf16 = options;
  bf16.variant = "bf16";
  try {
    Inspection found = inspect(bf16);
    run.model.variant = "bf16";
    return found;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
  }
  Inspection found = inspect(options);
  if (!found.networks.empty()) {
    terminal.note(str_cat("dit_quantized is not set, but there are no BF16 weights: those in ",
                          found.networks[0].path, " (", found.networks[0].precision,
                          ") are used."));
  }
  return found;
}

void tell_other_text_encoder(const lightx2v::MappedRun& run, const Inspection& found,
                             Terminal& terminal) {
  const std::string& expected = run.text_encoder_precision;
  for (const NetworkInfo& network : found.networks) {
    if (network.network != "text encoder" || expected.empty()) continue;
    if (network.precision == expected) continue;
    terminal.note(str_cat("The config expects a text encoder in ", expected, "; the one in ",
                          network.path, " (", network.precision, ") is used."));
  }
}

// Asks the files what they are, whatever the settings say: the wrong model for the settings makes
// nothing but noise.
void settle_model(lightx2v::MappedRun& run, const std::string& sampler, Terminal& terminal) {
  ModelOptions options = run.model;
  options.checkpoint_kind.clear();
  const Inspection found = inspect_preferred(run, options, terminal);
  const bool says_distilled = run.model.checkpoint_kind == "distilled";
  if (!run.absent_checkpoint.empty()) {
    REEL_REQUIRE(found.distilled || !says_distilled, kNotFound,
                 str_cat(run.absent_checkpoint, ", which is not there, and the model in ",
                         run.model.model, " is not distilled (", found.verdict_evidence, ")."),
                 "Correct the path of the checkpoint; it is relative to the current folder.");
    terminal.note(str_cat(run.absent_checkpoint, ", which is not there: the weights in ",
                          run.model.model, " are used."));
  } else if (says_distilled && !found.distilled) {
    terminal.warning(str_cat("The settings are those of a distilled model, but this one is not (",
                             found.verdict_evidence, "); the clip will be noise."));
  }
  tell_other_text_encoder(run, found, terminal);
  // LightX2V's update; `reel generate` has the model card's, lcm.
  const bool distilled = says_distilled || found.distilled;
  run.request.sampling.sampler = !sampler.empty() ? sampler : distilled ? "euler" : "";
}

int run(int argc, const char* const* argv, Terminal& terminal) {
  InferFlags flags;
  Flags parser("infer", "make a clip from a command line and config of LightX2V");
  add_reference_flags(parser, flags);
  add_own_flags(parser, flags, terminal);
  if (parser.parse(argc, argv, terminal)) return kExitOk;
  refuse_other_inputs(flags);
  REEL_REQUIRE(!flags.request.prompt.empty(), kInvalidArgument, "No --prompt was given.",
               "Write --prompt \"a red ball bounces on a meadow\".");
  lightx2v::MappedRun mapped = map_flags(flags, terminal);
  settle_model(mapped, flags.sampler, terminal);
  if (mapped.request.out.empty() && !flags.dry_run) {
    terminal.note("No --save_result_path was given: the clip is named after its seed.");
  }
  ShownProgress progress(terminal);
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
    .run = &run};

}  // namespace reel::cli
