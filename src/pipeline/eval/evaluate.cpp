// SPDX-License-Identifier: Apache-2.0
// `reel eval`: each path on the user's own checkpoint, one after the other.
#include <reel/eval.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "backends/cpu/backend.h"
#include "base/available_memory.h"
#include "base/byte_units.h"
#include "base/error.h"
#include "models/wan_dit/patchify.h"
#include "pipeline/clip_planner.h"
#include "pipeline/eval/paths.h"
#include "pipeline/eval/run_path.h"
#include "pipeline/relative_error.h"

namespace reel {
namespace {

using namespace pipeline;  // NOLINT

constexpr const char* kDefaultPrompt = "a red ball bounces on a meadow";
constexpr int kDefaultSide = 256;
constexpr int kDefaultFrames = 5;
constexpr uint64_t kDefaultSeed = 1;
constexpr int kMostRuns = 1000;

SamplingOptions with_defaults(SamplingOptions options) {
  if (!options.width_px) options.width_px = kDefaultSide;
  if (!options.height_px) options.height_px = kDefaultSide;
  if (!options.frames) options.frames = kDefaultFrames;
  if (!options.seed) options.seed = kDefaultSeed;
  return options;
}

int64_t tokens_of(const RunSettings& settings) {
  return wan_dit::token_grid(latent_shape(settings.size)).tokens();
}

// The exact outputs of all blocks stay on the host until the last path has been compared.
void require_room(const RunSettings& settings, const wan_dit::Config& dit) {
  const auto bytes =
      static_cast<uint64_t>(dit.layers * tokens_of(settings) * dit.dim) * sizeof(float);
  const uint64_t available_bytes = available_memory_bytes().value_or(bytes);
  REEL_REQUIRE(bytes <= available_bytes, kOutOfMemory,
               str_cat("The exact outputs of ", dit.layers, " blocks take ", format_bytes(bytes),
                       " of host memory; ", format_bytes(available_bytes), " are free."),
               "Use a smaller --size, fewer --frames or fewer --layers.");
}

ComputeDevice compute_device(const std::string& device) {
  const int index = gpu_index(device);
  const std::vector<cuda::GpuFacts> gpus = cuda::list_gpus();
  return {.on_gpu = index >= 0,
          .cpu_compute = cpu::preferred_compute(),
          .has_bf16 = cpu::supports_compute(DType::kBF16),
          .auto_takes_fp8_values =
              std::any_of(gpus.begin(), gpus.end(), [&](const cuda::GpuFacts& gpu) {
                return gpu.index == index && fp8_values_are_faster(gpu);
              })};
}

class Evaluation {
 public:
  Evaluation(const EvalRequest& request, Progress& progress)
      : options_(request.model),
        stop_(progress.stop_requested),
        clock_(progress),
        on_gpu_(gpu_index(request.model.device) >= 0),
        paths_(compute_paths(compute_device(request.model.device), request.model.precision)),
        model_(options_, {.vae = false}, progress),
        runs_(request.count) {
    REEL_REQUIRE(runs_ >= 1 && runs_ <= kMostRuns, kInvalidArgument,
                 str_cat("count is ", runs_, "; 1 to ", kMostRuns, " are possible."));
    options_.precision = "f32";
    model_layers_ = static_cast<int>(model_.facts().dit.layers);
    model_.keep_layers(request.layers);
    // Its warnings are about what a clip would look like, and none is made.
    settings_ = check_sampling(with_defaults(request.sampling), model_.facts()).settings;
    require_room(settings_, model_.facts().dit);
    const tokenizer::Tokenizer tokens = model_.load_tokenizer();
    const std::string& prompt = request.prompt;
    ids_.push_back(tokenize(tokens, prompt.empty() ? kDefaultPrompt : prompt, progress));
    if (settings_.guided()) ids_.push_back(tokenize(tokens, "", progress));
  }

  EvalReport run() {
    auto runtime = make_runtime(kExactNumbers);
    EvalReport report = describe(*runtime);
    const EncodedPrompts prompts = encode_prompts(model_, *runtime, ids_, clock_);
    const auto steps = static_cast<int>(settings_.levels.timesteps.size());
    const auto paths = static_cast<int>(paths_.size());
    clock_.enter(Stage::kDenoise, runs_ * steps + paths * (1 + runs_ * steps));
    const EvalScene scene{.model = model_,
                          .settings = settings_,
                          .prompts = prompts,
                          .count = runs_,
                          .on_part = [this](double part) { on_part(part); }};
    const ExactRuns exact = run_exact(scene, *runtime);
    std::vector<PathErrors> errors;
    for (const ComputePath& path : paths_) {
      runtime.reset();  // its memory goes before the next one's is taken
      runtime = make_runtime(path.numbers);
      errors.push_back(run_path(scene, *runtime, path.numbers, exact));
    }
    for (size_t at = 0; at < paths_.size(); ++at) {
      report.paths.push_back(in_report(paths_[at], errors[at], errors.back()));
    }
    return report;
  }

 private:
  std::unique_ptr<Runtime> make_runtime(const Numbers& numbers) {
    auto runtime = std::make_unique<Runtime>(options_, stop_);
    if (!runtime->on_gpu()) return runtime;
    const ClipPrecision precision{
        .text = {.compute = DType::kF32, .matrices = DType::kF32},
        .dit = {.compute = numbers.precision.compute, .matrices = numbers.precision.matrices},
        .vae = {.compute = DType::kF16, .matrices = DType::kF16},
        .int8_attention = numbers.int8_attention,
        .attention_values = numbers.attention_values};
    std::vector<int64_t> counts;
    counts.reserve(ids_.size());
    for (const auto& prompt : ids_) counts.push_back(static_cast<int64_t>(prompt.size()));
    const ClipPlanner planner(model_.files(), precision, runtime->machine(),
                              {.decode = false, .layers = model_.facts().dit.layers});
    runtime->obey(
        planner.plan_or_refuse({.video = settings_.size,
                                .steps = static_cast<int>(settings_.levels.timesteps.size()),
                                .prompt_tokens = std::move(counts)},
                               runtime->budget()));
    return runtime;
  }

  EvalReport describe(const Runtime& runtime) const {
    return {.model = model_.facts().is_demo ? "demo" : model_.files().path.filename().string(),
            .layout = model_.files().dit->layout,
            .device = runtime.device_name(),
            .kernels = runtime.kernels_summary(),
            .width_px = static_cast<int>(settings_.size.width_px),
            .height_px = static_cast<int>(settings_.size.height_px),
            .frames = static_cast<int>(settings_.size.frames),
            .steps = static_cast<int>(settings_.levels.timesteps.size()),
            .sampler = schedulers::sampler_name(settings_.sampler),
            .seed = settings_.seed,
            .count = runs_,
            .tokens = tokens_of(settings_),
            .text_tokens = static_cast<int64_t>(ids_[0].size()),
            .layers = static_cast<int>(model_.facts().dit.layers),
            .model_layers = model_layers_,
            .paths = {}};
  }

  void on_part(double part) {
    if (part >= 1) return clock_.report(++forwards_);
    clock_.report(forwards_, part);
  }

  // The baseline, FP8 W8A8, is the last path.
  static EvalPath in_report(const ComputePath& path, const PathErrors& errors,
                            const PathErrors& baseline) {
    EvalPath made{.name = path.name,
                  .what = path.what,
                  .local = errors.local,
                  .accumulated = errors.accumulated,
                  .velocity = geometric_mean(errors.velocity),
                  .latents = geometric_mean(errors.latents),
                  .velocity_of_fp8 = std::nullopt,
                  .latents_of_fp8 = std::nullopt,
                  .has_limit = path.has_limit};
    if (path.numbers.precision.matrices == DType::kI8) {
      made.velocity_of_fp8 = largest_ratio(errors.velocity, baseline.velocity);
      made.latents_of_fp8 = made.latents / geometric_mean(baseline.latents);
    }
    return made;
  }

  ModelOptions options_;
  const StopFlag stop_;
  ProgressClock clock_;
  const bool on_gpu_;
  const std::vector<ComputePath> paths_;
  OpenModel model_;
  const int runs_;
  RunSettings settings_;
  int model_layers_ = 0;
  std::vector<std::vector<int32_t>> ids_;  // of the prompt, and of an empty one under guidance
  int forwards_ = 0;                       // that are complete
};

}  // namespace

bool EvalPath::is_within() const {
  return !has_limit || (velocity_of_fp8 <= kMostOfFp8 && latents_of_fp8 <= kMostOfFp8);
}

bool EvalReport::is_within() const {
  return std::ranges::all_of(paths, [](const EvalPath& path) { return path.is_within(); });
}

EvalReport evaluate(const EvalRequest& request, Progress& progress) {
  return Evaluation(request, progress).run();
}

}  // namespace reel
