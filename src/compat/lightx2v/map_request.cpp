// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/map_request.h"

#include "base/error.h"
#include "compat/lightx2v/keys.h"
#include "formats/quoted.h"

namespace reel::compat::lightx2v {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void check_task(const Settings& settings) {
  const std::string task = text_of(settings, "task").value_or("t2v");
  REEL_REQUIRE(task == "t2v", kUnsupported,
               str_cat(described("task", *find(settings, "task")),
                       "; Reel makes video from text alone (t2v)."),
               "Leave --task out, or write t2v.");
}

// Whether the settings themselves say that the model is distilled. Class wan2.1 says neither: the
// published distilled config is run with it too.
bool says_distilled(const Settings& settings) {
  const std::string name = text_of(settings, "model_cls").value_or("wan2.1");
  REEL_REQUIRE(name == "wan2.1" || name == "wan2.1_distill", kUnsupported,
               str_cat(described("model_cls", *find(settings, "model_cls")),
                       "; Reel runs Wan2.1 text-to-video: wan2.1_distill or wan2.1."),
               "Give the model's own class, or another checkpoint.");
  const auto method = text_of(settings, "distill_method");
  REEL_REQUIRE(!method || *method == "dmd2", kUnsupported,
               str_cat(described("distill_method", *find(settings, "distill_method")),
                       "; Reel samples models distilled with dmd2."),
               "Leave the key out for the 4-step models of lightx2v.");
  return name == "wan2.1_distill" || method || find(settings, "denoising_step_list") != nullptr;
}

void map_kind(const Settings& settings, MappedRun& run) {
  if (says_distilled(settings)) run.model.checkpoint_kind = "distilled";
  if (text_of(settings, "model_cls") != "wan2.1") return;
  run.notes.push_back(
      run.model.checkpoint_kind.empty()
          ? "model_cls wan2.1 does not say whether the model is distilled; its files decide."
          : "model_cls wan2.1 with settings of a distilled model: it runs as distilled.");
}

void map_steps(const Settings& settings, MappedRun& run) {
  SamplingOptions& sampling = run.request.sampling;
  auto steps = whole_number_of(settings, "infer_steps");
  if (!steps) steps = whole_number_of(settings, "num_inference_steps");
  sampling.timesteps = whole_numbers_of(settings, "denoising_step_list");
  sampling.shift = number_of(settings, "sample_shift");
  if (sampling.timesteps.empty()) {
    sampling.steps = steps;
    return;
  }
  const int listed = static_cast<int>(sampling.timesteps.size());
  if (steps && *steps != listed) {
    run.notes.push_back(str_cat("infer_steps ", *steps, " has no effect: denoising_step_list has ",
                                listed, listed == 1 ? " step." : " steps."));
  }
}

void map_guidance(const Settings& settings, MappedRun& run) {
  const auto enabled = flag_of(settings, "enable_cfg");
  const auto scale = number_of(settings, "sample_guide_scale");
  if (enabled.value_or(false)) {
    run.request.sampling.guidance = scale;
    if (scale) return;
    run.notes.emplace_back(
        "enable_cfg is true, but sample_guide_scale is left out: the model's own guidance is "
        "used, which for a distilled one is 1, off.");
    return;
  }
  // Both left out, a base model keeps the guidance it needs.
  if (enabled || scale) run.request.sampling.guidance = 1.0f;
  if (scale && *scale != 1.0f) {
    run.notes.push_back(str_cat("sample_guide_scale ", *scale,
                                " has no effect without enable_cfg: guidance is off."));
  }
}

void map_size(const Settings& settings, const RequestFlags& flags, MappedRun& run) {
  SamplingOptions& sampling = run.request.sampling;
  std::vector<int> shape = flags.target_shape;
  REEL_REQUIRE(shape.empty() || shape.size() == 2, kInvalidArgument,
               str_cat(flags.name_prefix, "target_shape has ", shape.size(),
                       " numbers; height and width are "
                       "needed."),
               "Write 480 and 832, for instance.");
  if (shape.empty()) {
    shape = whole_numbers_of(settings, "size");
    REEL_REQUIRE(shape.empty() || shape.size() == 2, kInvalidArgument,
                 str_cat("size has ", shape.size(), " numbers; height and width are needed."),
                 "Write [480, 832].");
  }
  const auto height = whole_number_of(settings, "target_height");
  const auto width = whole_number_of(settings, "target_width");
  sampling.height_px = shape.empty() ? height : shape[0];
  sampling.width_px = shape.empty() ? width : shape[1];
}

void map_length(const Settings& settings, const RequestFlags& flags, MappedRun& run) {
  const auto length = whole_number_of(settings, "target_video_length");
  const auto newer = whole_number_of(settings, "num_frames");
  REEL_REQUIRE(!length || !newer || *length == *newer, kInvalidArgument,
               str_cat("target_video_length is ", length.value_or(0), " and num_frames is ",
                       newer.value_or(0), "; they mean the same."),
               "Leave one of them out.");
  run.request.sampling.frames = length ? length : newer ? newer : flags.num_frames;
  if (flags.num_frames && run.request.sampling.frames != flags.num_frames) {
    const bool has_sets = flags.name_prefix == "--";
    run.notes.push_back(str_cat(
        flags.name_prefix, "num_frames ", *flags.num_frames, " has no effect: the config says ",
        *run.request.sampling.frames, ", and stands above it.",
        has_sets ? str_cat(" --set target_video_length=", *flags.num_frames, " makes it count.")
                 : ""));
  }
}

void map_attention(const Settings& settings, MappedRun& run) {
  std::string names;
  for (const char* key : {"self_attn_1_type", "cross_attn_1_type"}) {
    const auto name = text_of(settings, key);
    if (!name) continue;
    require_dense_attention(*name, described(key, *find(settings, key)));
    if (names.find(*name) == std::string::npos) names += (names.empty() ? "" : ", ") + *name;
  }
  if (!names.empty()) run.notes.push_back(str_cat(names, ": Reel's own attention runs instead."));
}

// Padding that the model was not trained with would change every clip.
void check_text_length(const Settings& settings) {
  const auto length = whole_number_of(settings, "text_len");
  REEL_REQUIRE(!length || *length == 512, kUnsupported,
               str_cat(described("text_len", *find(settings, "text_len")),
                       "; Wan2.1 was trained with 512, and Reel has no other."),
               "Leave the key out.");
}

void tell_defaults(const Settings& settings, MappedRun& run) {
  const SamplingOptions& sampling = run.request.sampling;
  std::vector<std::string> absent;
  if (!sampling.height_px || !sampling.width_px) absent.emplace_back("size");
  if (!sampling.frames) absent.emplace_back("target_video_length");
  if (!sampling.steps && sampling.timesteps.empty()) absent.emplace_back("infer_steps");
  if (sampling.timesteps.empty() && run.model.checkpoint_kind == "distilled") {
    absent.emplace_back("denoising_step_list");
  }
  if (!sampling.shift) absent.emplace_back("sample_shift");
  if (!sampling.guidance && find(settings, "enable_cfg") == nullptr) {
    absent.emplace_back("enable_cfg");
  }
  if (absent.empty()) return;
  run.notes.push_back(
      str_cat("Left out, and taken from what the model was made for: ", joined(absent), '.'));
}

std::vector<std::string> without_effect(const Settings& settings, const RequestFlags& flags,
                                        const MappedRun& run) {
  std::vector<std::string> names = flags.without_effect;
  if (!flags.negative_prompt.empty() && run.request.sampling.guidance == 1.0f) {
    names.push_back(flags.name_prefix + "negative_prompt (guidance is off)");
  }
  for (std::string& name : names_with(settings, KeyUse::kNoEffect)) {
    // Only another seed than the one that is used is worth a word.
    const Setting* setting = find(settings, name);
    if (name == "seed" && flags.seed && setting->value == *flags.seed) continue;
    names.push_back(std::move(name));
  }
  return names;
}

void tell_unused(const Settings& settings, const RequestFlags& flags, MappedRun& run) {
  if (const auto hints = names_with(settings, KeyUse::kMemory); !hints.empty()) {
    const bool stays = flag_of(settings, "cpu_offload") == false;
    run.notes.push_back(str_cat(joined(hints), ": Reel plans memory itself",
                                stays ? "; weights that do not fit the GPU are streamed to it, "
                                        "although cpu_offload is false."
                                      : "; weights that do not fit the GPU are streamed to it."));
  }
  if (const auto names = without_effect(settings, flags, run); !names.empty()) {
    run.notes.push_back(str_cat("Without effect here: ", joined(names), '.'));
  }
  std::vector<std::string> unknown;
  for (const std::string& name : unknown_names(settings)) {
    unknown.push_back(formats::quoted_name(name));
  }
  if (!unknown.empty()) {
    run.notes.push_back(str_cat("Not known to Reel, and without effect: ", joined(unknown),
                                ". LightX2V takes any key; check the spelling."));
  }
}

}  // namespace

MappedRun map_request(const Settings& settings, const RequestFlags& flags, const FileTest& exists) {
  check_task(settings);
  refuse_what_changes_the_result(settings);
  ModelPaths paths = find_paths(settings, exists);
  MappedRun run{.model = std::move(paths.model),
                .request = {},
                .absent_checkpoint = std::move(paths.absent_checkpoint),
                .text_encoder_precision = std::move(paths.text_encoder_precision),
                .decoder = std::move(paths.decoder),
                .gguf_type = std::move(paths.gguf_type),
                .prefers_bf16 = paths.prefers_bf16,
                .notes = std::move(paths.notes)};
  run.request.prompt = flags.prompt;
  run.request.negative_prompt = flags.negative_prompt;
  run.request.out = flags.save_result_path;
  run.request.sampling.seed = flags.seed;
  if (const auto fps = whole_number_of(settings, "fps")) run.request.fps = *fps;
  map_kind(settings, run);
  map_steps(settings, run);
  map_guidance(settings, run);
  map_size(settings, flags, run);
  map_length(settings, flags, run);
  map_attention(settings, run);
  check_text_length(settings);
  tell_defaults(settings, run);
  tell_unused(settings, flags, run);
  return run;
}

}  // namespace reel::compat::lightx2v
