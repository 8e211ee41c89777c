// SPDX-License-Identifier: Apache-2.0
// The planner through the public API.
#include <reel/plan.h>

#include <algorithm>
#include <utility>

#include "backends/cuda/gpu.h"
#include "base/available_memory.h"
#include "base/error.h"
#include "memory/card_model.h"
#include "pipeline/clip_alternatives.h"
#include "pipeline/clip_planner.h"
#include "pipeline/machine_file.h"
#include "pipeline/open_model.h"
#include "pipeline/runtime.h"
#include "pipeline/text_to_video.h"

namespace reel {
namespace {

using namespace pipeline;

// Without a GPU to look at, and without being told: the reference card.
constexpr uint64_t kAssumedCardBytes = uint64_t{12} << 30;

// Warnings and remarks of opening a model, for the plan to hand on.
class Remarks : public Progress {
 public:
  void on_warning(std::string_view text) override { warnings.emplace_back(text); }
  void on_note(std::string_view text) override { notes.emplace_back(text); }
  std::vector<std::string> warnings, notes;
};

struct Place {
  memory::Machine machine;
  memory::Budget budget;
  bool has_gpu = false;
  std::string precision;  // never "auto"
};

std::string names_of_cards() {
  std::string names;
  for (const std::string& name : predictable_gpus()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

std::string precision_on(const std::string& text, bool fp8_values_are_faster) {
  if (text != "auto") return text;
  return fp8_values_are_faster ? kFp8ValuesPrecision : "int8";
}

// As if the card of that name were here, and nothing else on it.
Place place_with(const std::string& gpu, const ModelOptions& options) {
  const memory::Card* const card = memory::find_card(gpu);
  REEL_REQUIRE(card != nullptr, kInvalidArgument,
               str_cat("\"", gpu, "\" is no card that times can be predicted for; these are: ",
                       names_of_cards(), '.'));
  Place place{
      .machine = memory::assumed_machine(std::string(card->name)),
      .budget = {.card_bytes = options.vram_bytes > 0 ? options.vram_bytes : card->memory_bytes,
                 .ram_bytes = options.ram_bytes},
      .precision = precision_on(options.precision, fp8_values_are_faster(*card))};
  place.machine.ram_available_bytes = available_memory_bytes().value_or(0);
  return place;
}

// Attention with e4m3 values runs at another rate than with f16: the measured one, else what is
// predicted of the card, else that with f16.
void expect_e4m3_values(memory::Machine& machine) {
  memory::Rates& rates = machine.rates;
  const memory::Card* const card = memory::find_card(machine.gpu);
  if (rates.e4m3_attention_ops > 0) {
    rates.attention_ops = rates.e4m3_attention_ops;
    return;
  }
  if (card == nullptr) return;
  rates.attention_ops = memory::predicted_e4m3_attention(*card);
  REEL_REQUIRE(rates.attention_ops > 0, kUnsupported,
               str_cat("precision is \"", kFp8ValuesPrecision,
                       "\", which needs FP8 tensor cores; an ", machine.gpu, " has none."),
               "Use --precision int8 or leave it out.");
}

Place choose_place(const ModelOptions& options, std::vector<std::string>& notes) {
  Place place{.machine = {},
              .budget = {.card_bytes = options.vram_bytes, .ram_bytes = options.ram_bytes}};
  const int index = gpu_index(first_device(options.device));
  const std::vector<cuda::GpuFacts> gpus = cuda::list_gpus();
  const auto gpu = std::find_if(gpus.begin(), gpus.end(),
                                [&](const cuda::GpuFacts& facts) { return facts.index == index; });
  place.machine = machine_with(gpu == gpus.end() ? std::string() : gpu->name);
  place.machine.ram_available_bytes = available_memory_bytes().value_or(0);
  place.has_gpu = gpu != gpus.end();
  const std::string precision =
      precision_of_all(options.precision, device_list(options.device), gpus);
  if (place.has_gpu) {
    place.precision = precision_on(precision, fp8_values_are_faster(*gpu));
    if (place.budget.card_bytes == 0) place.budget.card_bytes = gpu->total_bytes;
    return place;
  }
  const memory::Card* const card = memory::find_card(place.machine.gpu);
  place.precision = precision_on(precision, card != nullptr && fp8_values_are_faster(*card));
  if (place.budget.card_bytes == 0) {
    place.budget.card_bytes = kAssumedCardBytes;
    notes.push_back(str_cat("There is no GPU to look at: planned as for an ", place.machine.gpu,
                            " with 12 GiB."));
  }
  return place;
}

// How many ids each prompt has; `most` where it is not given.
std::vector<int64_t> count_tokens(const OpenModel& model, const PlanRequest& request, bool guided,
                                  int64_t most, Progress& progress) {
  std::vector<std::string> prompts{request.prompt};
  if (guided) prompts.push_back(request.negative_prompt);
  std::vector<int64_t> counts;
  counts.reserve(prompts.size());
  for (const std::string& prompt : prompts) {
    counts.push_back(
        prompt.empty()
            ? most
            : static_cast<int64_t>(tokenize(model.load_tokenizer(), prompt, progress).size()));
  }
  return counts;
}

const char* time_name(memory::RowTime time) {
  switch (time) {
    case memory::RowTime::kThroughout: return "throughout";
    case memory::RowTime::kSetup: return "setup";
    case memory::RowTime::kPass: return "pass";
  }
  return "";
}

StagePlan describe(const memory::PhasePlan& phase) {
  StagePlan stage{.stage = memory::phase_name(phase.phase),
                  .weights = phase.files_precision,
                  .arena_bytes = phase.arena_bytes,
                  .tags = {},
                  .passes = phase.passes,
                  .strips = phase.strips,
                  .blocks = phase.blocks,
                  .resident = phase.resident,
                  .window_slots = phase.window_slots,
                  .slot_bytes = phase.slot_bytes,
                  .read_mode = memory::read_mode_name(phase.read_mode),
                  .first_pass_bytes = phase.first_pass_bytes,
                  .later_pass_bytes = phase.pass_bytes,
                  .later_pass_disk_bytes = phase.pass_disk_bytes,
                  .compute_s = phase.compute_s,
                  .stream_s = phase.stream_s,
                  .total_s = phase.total_s};
  for (const memory::PlanRow& row : phase.rows) {
    stage.tags.push_back({.tag = row.tag, .when = time_name(row.time), .size_bytes = row.bytes});
  }
  return stage;
}

// What Wan2.1 was trained at, upright too, unless the model says so itself.
std::vector<FrameSize> trained_sizes(const ModelFacts& facts) {
  const VideoSize& own = facts.default_size;
  if (facts.states_its_size) {
    return {{static_cast<int>(own.width_px), static_cast<int>(own.height_px)}};
  }
  return {{832, 480}, {480, 832}, {1280, 720}, {720, 1280}};
}

PlanChange describe(const PlanAlternative& one) {
  PlanChange change{.text = one.what(), .frames = {}, .size = {}, .card_bytes = {}};
  switch (one.kind) {
    case PlanAlternative::Kind::kFrames: change.frames = static_cast<int>(one.video.frames); break;
    case PlanAlternative::Kind::kSize:
      change.size = {static_cast<int>(one.video.width_px), static_cast<int>(one.video.height_px)};
      break;
    case PlanAlternative::Kind::kCard: change.card_bytes = one.card_bytes; break;
    case PlanAlternative::Kind::kFiles: break;
  }
  return change;
}

void describe(const memory::Plan& made, Plan& plan) {
  plan.fits = made.fits;
  plan.refusal = made.refusal;
  plan.cap_bytes = made.cap_bytes;
  plan.least_cap_bytes = made.least_cap_bytes;
  plan.context_bytes = made.context_bytes;
  plan.arena_bytes = made.arena_bytes;
  plan.row_chunk = made.row_chunk;
  plan.host_bytes = made.host_bytes;
  plan.ring_bytes = made.ring_bytes;
  plan.total_s = made.total_s;
  for (const memory::PhasePlan& phase : made.phases) plan.stages.push_back(describe(phase));
  if (made.second_attempt) plan.second_attempt = describe(*made.second_attempt);
}

void describe(const ClipSize& clip, const Place& place, Plan& plan) {
  plan.width_px = static_cast<int>(clip.video.width_px);
  plan.height_px = static_cast<int>(clip.video.height_px);
  plan.frames = static_cast<int>(clip.video.frames);
  plan.steps = clip.steps;
  plan.prompt_tokens = static_cast<int>(clip.prompt_tokens.front());
  plan.gpu = place.machine.gpu;
  plan.is_gpu_here = place.has_gpu;
  plan.is_assumed = place.machine.is_assumed;
  plan.card_bytes = place.budget.card_bytes;
}

void add_alternatives(const ClipPlanner& planner, const ClipSize& clip,
                      const memory::Budget& budget, Plan& plan) {
  for (const PlanAlternative& one : find_alternatives(planner, clip, budget)) {
    plan.alternatives.push_back(one.text());
    plan.changes.push_back(describe(one));
  }
}

}  // namespace

std::vector<std::string> predictable_gpus() {
  std::vector<std::string> names;
  for (const memory::Card& card : memory::known_cards()) names.emplace_back(card.name);
  return names;
}

Plan make_plan(const PlanRequest& request) {
  Remarks remarks;
  ModelOptions options = request.model;
  options.vram_bytes = 0;  // obeyed below, whatever device there is
  const bool has_prompt = !request.prompt.empty() || !request.negative_prompt.empty();
  const OpenModel model(options, {.tokenizer = has_prompt}, remarks);
  CheckedRun checked = check_sampling(request.sampling, model.facts());
  const RunSettings& settings = checked.settings;
  Place place = request.as_gpu.empty() ? choose_place(request.model, remarks.notes)
                                       : place_with(request.as_gpu, request.model);
  const ClipPrecision precision = gpu_precision(place.precision);
  if (precision.attention_values == DType::kF8E4M3) expect_e4m3_values(place.machine);

  const ClipSize clip{.video = settings.size,
                      .steps = static_cast<int>(settings.levels.timesteps.size()),
                      .prompt_tokens = count_tokens(model, request, settings.guided(),
                                                    model.facts().dit.text_len, remarks)};
  const int ranks = static_cast<int>(device_list(options.device).size());
  if (ranks > 1) {
    remarks.notes.push_back(
        str_cat("Each of the ", ranks,
                " devices has a plan of its own; this is the first one's, which "
                "encodes the text and decodes too."));
  }
  const ClipPlanner planner(model.files(), precision, place.machine,
                            {.ranks = ranks, .blends_tiles = model.decoder().blends_tiles()});
  const memory::Plan made = planner.plan(clip, place.budget);

  Plan plan;
  describe(clip, place, plan);
  plan.guided = settings.guided();
  plan.trained_sizes = trained_sizes(model.facts());
  describe(made, plan);
  for (StagePlan& stage : plan.stages) {
    if (stage.stage == "decode") stage.tiles = model.decoder().tiles(clip.video);
  }
  if (!made.fits) add_alternatives(planner, clip, place.budget, plan);
  plan.warnings = std::move(checked.warnings);
  for (const std::vector<std::string>* more : {&std::as_const(remarks.warnings), &made.warnings}) {
    plan.warnings.insert(plan.warnings.end(), more->begin(), more->end());
  }
  plan.notes = std::move(remarks.notes);
  return plan;
}

}  // namespace reel
